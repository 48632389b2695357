/** Something that root of a container tries, harmless where it works. */
export interface Attack {
  /** Of its row, whatever its text. */
  id: string;
  /** What it does, after "A container …". */
  what: string;
  /** What whoever is root in the container would have of it. */
  gain: string;
  /** Perl: the body of a function that ends with one of the words of prelude.pl. */
  program: string;
  /** The attack that it is where all of them are tried again, with other namespaces around. */
  again?: string;
}
