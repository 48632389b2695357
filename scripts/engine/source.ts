/** One way to come by an engine. */
export interface Source {
  /** The command line that this way has given before, without any work. */
  present(): Promise<string | undefined>;
  /** Makes it so. The reason why it cannot is told in a short phrase. */
  make(): Promise<string>;
}
