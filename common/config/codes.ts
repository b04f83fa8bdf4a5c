/**
 * What each code of a {@link Problem} means, in one line; `docs/problems.md` is made of this table.
 *
 * 01xx: reading files and YAML; 02xx: one document against its schema, and which of several like documents counts;
 * 03xx: references between documents; 04xx: hosts and the catalog. A code keeps its meaning for ever: append only.
 */
export const PROBLEM_CODES = {
  MSH0101: 'A file or directory cannot be read; what it last gave stays in effect.',
  MSH0102: 'A file is larger than 1 MiB, or has more than 250,000 tokens, and is not read.',
  MSH0103: 'A file is not UTF-8 text.',
  MSH0104: 'A file that can make programs run belongs to somebody else, or others may write it.',
  MSH0105: 'A file shrank to less than half by a write in place; it is taken when nothing follows for 5 seconds.',
  MSH0106: 'Something invalid is on disk; the last good version, of the time that the message tells, is in effect.',
  MSH0107: 'Files were ignored because something with a YAML name is not a file, or a symbolic link loops.',
  MSH0108: 'A file is being written; it is read when nothing of it has changed for 250 ms.',
  MSH0109: 'A file is empty.',
  MSH0110: 'The text is not YAML 1.2; nothing of the file is taken.',
  MSH0111: 'A tab indents a line; YAML is indented with spaces.',
  MSH0112: 'A key stands twice in one map.',
  MSH0113: 'Maps and lists are nested more than 32 deep.',
  MSH0114: 'A document uses more than 64 aliases, or its aliases expand to more than 250,000 values.',
  MSH0115: 'An alias names an anchor that does not stand before it in the same document.',
  MSH0116: 'A key is not plain text, or is a name that is never allowed.',
  MSH0117: 'A YAML tag or directive is used; the language has none.',
  MSH0118: 'A number is written in a way that is easily taken for another number.',
  MSH0119: 'A character stands in a file that text does not have, or that looks like another one.',
  MSH0120: 'A merge of two versions of a file was not finished.',
  MSH0201: 'A key is unknown in its place.',
  MSH0202: 'A key, value or kind belongs to the language, but this version does not support it yet.',
  MSH0203: 'A value has the wrong type.',
  MSH0204: 'A key that is needed is missing.',
  MSH0205: 'A value is none of those that are allowed, or has the wrong form.',
  MSH0206: 'A number, a text or a list is too small or too large.',
  MSH0207: 'A duration is not a number with a unit.',
  MSH0208: 'A document has no kind.',
  MSH0209: 'A document has an unknown kind.',
  MSH0210: 'A document is written for another tool.',
  MSH0211: 'A document is not a map.',
  MSH0212: 'A document belongs in another directory: on the host, or on the control plane.',
  MSH0220: 'Of several keys exactly one must be given.',
  MSH0221: 'The weights of a split are all zero.',
  MSH0222: 'Two rules of one document have the same name.',
  MSH0223: 'A rule never matches, because a rule before it matches everything.',
  MSH0224: 'A regular expression is not one of RE2.',
  MSH0225: 'A path holds a `*`, which stands for itself.',
  MSH0226: 'The address of an instance means something else on each host that calls it.',
  MSH0250: 'The same object stands in two places; the one accepted first counts.',
  MSH0251: 'A host has several instances of one service, which is not supported yet.',
  MSH0252: 'A service file gives no protocol; it was assumed from the port.',
  MSH0301: 'A route leads to a service that does not exist; the document is left out.',
  MSH0302: 'A document names a port that the service does not have.',
  MSH0303: 'A route leads to a subset that the service does not have; the document is left out.',
  MSH0304: 'A document is about a service that does not exist now; it waits for it.',
  MSH0305: 'A subset has no instances now; requests for it get 503.',
  MSH0307: 'Some destinations of a split have a weight and others have none.',
  MSH0308: 'A route for a tcp port has keys that mean something only for requests; the document is left out.',
  MSH0309: 'An authorization rule judges requests, and the port is tcp.',
  MSH0310: 'An authorization document protects a service outside the mesh, which has no Envoy that could.',
  MSH0401: 'A host reports a service that it may not run; the instance does not count.',
  MSH0402: 'A catalog document differs from what the host itself reports; the report holds.',
  MSH0403: 'An instance outside the mesh gets no requests, because the service has instances in the mesh.',
  MSH0404: 'Instances of one service disagree about the protocol of a port.',
  MSH0405: 'Instances of one service have a port on different numbers; callers by name may use each.',
  MSH0406: 'A declared upstream leads to a service or port that does not exist.',
  MSH0407: 'Two agents run with the identity of one host; the one that started last counts.',
  MSH0501: 'An Envoy refuses a resource and keeps what it had.',
  MSH0502: 'Calls by name do not reach Envoy on a host.',
  MSH0503: 'A name is without a port on a host, because a program of that host has the port.',
  MSH0504: 'Names are without low ports on a host, because Envoy may not listen on them there.',
  MSH0505: 'A service can be reached around the mesh, because its application listens on more than loopback.',
  MSH0601: 'A certificate of the certificate authority expires soon, or has expired.',
} as const

/** A code of the table. */
export type ProblemCode = keyof typeof PROBLEM_CODES

/** The page `docs/problems.md`. */
export function formatProblemsPage(): string {
  const rows = Object.entries(PROBLEM_CODES).map(([code, text]) => `| \`${code}\` | ${text} |`)
  return [
    '# Problems',
    '',
    'Every message about a file ends with a code. Made from `common/config/codes.ts`; a test compares them, and',
    '`UPDATE_GOLDEN=1` with that test writes this page anew.',
    '',
    '| code | meaning |',
    '|---|---|',
    ...rows,
    '',
  ].join('\n')
}
