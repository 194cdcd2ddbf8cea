/** A text under a name, wherever a host keeps such: `#memory`. What goes wrong is thrown. */
export interface TextStore {
  /** For messages. */
  readonly place: string;
  read(): Promise<string | undefined>;
  write(text: string): Promise<void>;
  remove(): Promise<void>;
}
