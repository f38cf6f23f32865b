// SQLite as Node has it, without the warning that Node 22 gives when it is loaded.

/** It announces that it is experimental; other warnings stay. */
export function sqlite(): typeof import('node:sqlite') {
  const { emitWarning } = process;
  process.emitWarning = new Proxy(emitWarning, {
    apply: (target, self, args: unknown[]) =>
      String(args[0]).startsWith('SQLite is an experimental feature') ? undefined : Reflect.apply(target, self, args),
  });
  try {
    return process.getBuiltinModule('node:sqlite');
  } finally {
    process.emitWarning = emitWarning;
  }
}
