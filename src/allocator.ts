// How the C library's allocator treats memory that was given back to it. It is told by the environment, once, when a process begins.

/** Bytes. Segments and the input of encoders are larger, JavaScript's own small buffers are not (mallopt(3), M_MMAP_THRESHOLD). */
const MAPPED_FROM = 128 * 1024;

/**
 * Begins this program anew, as the same process, with every large buffer in a mapping of its own that goes back to the system when the
 * buffer goes. Left alone, glibc raises that bound to the largest buffer it has seen freed (up to 32 MiB), and from then on segments
 * lie among small things in arenas that never shrink. Returns where it is set already, and where there is no such allocator.
 */
export function returnFreedMemory(): void {
  if (process.platform !== 'linux' || !process.execve || process.env.MALLOC_MMAP_THRESHOLD_ !== undefined) return;
  const env = { ...process.env, MALLOC_MMAP_THRESHOLD_: String(MAPPED_FROM) };
  process.execve(process.execPath, [process.execPath, ...process.execArgv, ...process.argv.slice(1)], env);
}
