/** What can be asked of a host's Envoy; each only reads. */
export const QUESTIONS = ['dump', 'clusters', 'listeners', 'routes', 'endpoints', 'secrets', 'stats'] as const

/** One of {@link QUESTIONS}. */
export type QuestionAbout = (typeof QUESTIONS)[number]

/** The longest answer that is passed on, bytes. */
export const LONGEST_ANSWER = 32 * 1024 * 1024
