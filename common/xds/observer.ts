/** Told of what goes over the streams of a server, to be counted. Nothing of it may throw. */
export interface XdsObserver {
  /** A response of a type has been made, with so many resources. */
  pushed(type: string, resources: number): void
  /** A client has accepted the response that it was sent, or has refused it. */
  answered(type: string, accepted: boolean): void
  /**
   * A change has reached a client: its first response is sent, or the client has acknowledged all that is published.
   *
   * @param ms since the change was noticed
   */
  delivered(until: 'sent' | 'acknowledged', ms: number): void
}
