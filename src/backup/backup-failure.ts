// Why nothing was backed up or restored: a sentence for whoever asked for it.

/** `damaged`: a file of a backup, or the store itself, is not what it was. */
export type BackupFailureKind = 'refused' | 'in use' | 'damaged';

export class BackupFailure extends Error {
  readonly kind: BackupFailureKind;
  constructor(kind: BackupFailureKind, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.name = 'BackupFailure';
    this.kind = kind;
  }
}
