import type { Answer, Question } from '../../common/proto/mesh/v1/mesh_pb.js'
import { LONGEST_ANSWER, type QuestionAbout } from '../../common/questions.js'

/** Why a question has no answer. */
export class QuestionError extends Error {
  readonly reason: 'not-live' | 'busy' | 'late' | 'refused'

  constructor(reason: QuestionError['reason'], message: string) {
    super(message)
    this.reason = reason
  }
}

/** How long an answer may take, milliseconds. */
const TIMEOUT_MS = 10_000

interface Line {
  readonly ask: (question: Pick<Question, 'id' | 'about'>) => void
  pending: Pending | undefined
}

interface Pending {
  readonly id: number
  readonly parts: Uint8Array[]
  size: number
  readonly done: (text: string) => void
  readonly failed: (error: QuestionError) => void
}

/** Asks hosts about their Envoys over the sessions that they hold; one question a host at a time. */
export class HostQuestions {
  readonly #lines = new Map<string, Line>()
  readonly #timeout: number
  #lastId = 0

  constructor(timeout = TIMEOUT_MS) {
    this.#timeout = timeout
  }

  /**
   * Opens the line to a host for as long as its session lives; a newer session's line replaces it.
   *
   * @param ask sends a question over the session
   */
  open(host: string, ask: Line['ask']): { readonly receive: (answer: Answer) => void; readonly close: () => void } {
    const line: Line = { ask, pending: undefined }
    this.#lines.set(host, line)
    return {
      receive: (answer) => receive(line, answer),
      close: () => {
        if (this.#lines.get(host) === line) this.#lines.delete(host)
        line.pending?.failed(new QuestionError('not-live', `the session of ${host} ended before it answered`))
      },
    }
  }

  /** @throws QuestionError where the host is not live, answers another question, is too slow, or has no answer */
  async ask(host: string, about: QuestionAbout): Promise<string> {
    const line = this.#lines.get(host)
    if (line === undefined) throw new QuestionError('not-live', `host ${host} is not live: it has no session here`)
    if (line.pending !== undefined) throw new QuestionError('busy', `host ${host} is answering another question`)
    this.#lastId = (this.#lastId % 0xffff_ffff) + 1
    const id = this.#lastId
    let timer: NodeJS.Timeout | undefined
    try {
      return await new Promise<string>((done, failed) => {
        const late = `host ${host} did not answer within ${this.#timeout / 1000} s; an older agent answers no questions`
        timer = setTimeout(() => failed(new QuestionError('late', late)), this.#timeout)
        line.pending = { id, parts: [], size: 0, done, failed }
        line.ask({ id, about })
      })
    } finally {
      clearTimeout(timer)
      line.pending = undefined
    }
  }
}

/** Takes a part; one of a question that nobody waits for any more is dropped. */
function receive({ pending }: Line, { id, part, last, error }: Answer): void {
  if (pending?.id !== id) return
  pending.size += part.length
  if (error !== '') pending.failed(new QuestionError('refused', error))
  else if (pending.size > LONGEST_ANSWER) pending.failed(new QuestionError('refused', 'the answer is too large'))
  else if (last) pending.done(Buffer.concat(pending.parts).toString('utf8'))
  else pending.parts.push(part)
}
