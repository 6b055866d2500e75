// Coming back after a lost connection.
const TRIES = 'tries to come back';

/** Loads the page anew as soon as its server answers: a second after the connection was lost, later and later if that does not last. */
export async function comeBack(): Promise<void> {
  const before = Number(sessionStorage.getItem(TRIES));
  sessionStorage.setItem(TRIES, String(before + 1));
  for (let n = before; ; n += 1) {
    await new Promise((f) => { setTimeout(f, Math.min(1000 * 2 ** n, 30_000)); });
    if ((await fetch(location.href, { cache: 'no-store' }).catch(() => undefined))?.ok) { location.reload(); return; }
  }
}

/** Notes that the page is back; it counts once it has lasted for a while. */
export function isBack(): void { setTimeout(() => { sessionStorage.removeItem(TRIES); }, 20_000); }
