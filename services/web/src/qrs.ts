// The repository's REST interface, as the hub needs it.
export interface Person { id: string; userId: string; userDirectory: string; name: string }
export interface Stream { id: string; name: string; privileges?: string[] | null }
export interface App {
  id: string; name: string; description?: string | null; stream?: Stream | null; published: boolean; owner: Person; thumbnail?: string | null;
  fileSize?: number | null; lastReloadTime?: string | null; privileges?: string[] | null;
}

/** What the server says when it refuses. */
export class Refused extends Error { constructor(readonly status: number, text: string) { super(text); } }

// A key that only pages of this server can send in a header.
const key = Array.from(crypto.getRandomValues(new Uint8Array(16)), (n) => 'abcdefghijklmnopqrstuvwxyz012345'[n & 31]).join('');

/** The address of a resource of the interface, with what the server asks for. */
const address = (path: string, query: Record<string, string> = {}): string => `../qrs${path}?${new URLSearchParams({ ...query, xrfkey: key })}`;

async function answer(response: Response): Promise<unknown> {
  if (response.status === 401) { location.reload(); } // the session is over: the server leads to its log-in
  if (!response.ok) throw new Refused(response.status, (await response.text()).slice(0, 300) || `The server answers ${response.status}.`);
  const text = await response.text();
  return text ? JSON.parse(text) : undefined;
}

export const get = async <T>(path: string, query?: Record<string, string>): Promise<T> => await answer(await fetch(address(path, query), { headers: { 'X-Qlik-Xrfkey': key } })) as T;
export const send = async <T>(method: string, path: string, query?: Record<string, string>): Promise<T> => await answer(await fetch(address(path, query), { method, headers: { 'X-Qlik-Xrfkey': key } })) as T;

/** Asks the hub's own interface. */
export const api = async <T>(path: string): Promise<T> => await answer(await fetch(`../api${path}?xrfkey=${key}`, { headers: { 'X-Qlik-Xrfkey': key } })) as T;

/** Sends a file; progress is told from 0 to 1. */
export function upload(file: File, name: string, progress: (share: number) => void): Promise<App> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch does not tell how far it is
    request.open('POST', address('/app/upload', { name, keepdata: 'true' }));
    request.setRequestHeader('X-Qlik-Xrfkey', key);
    request.setRequestHeader('Content-Type', 'application/vnd.qlik.sense.app');
    request.upload.onprogress = (e) => { if (e.lengthComputable) progress(e.loaded / e.total); };
    request.onload = () => { if (request.status === 201) resolve(JSON.parse(request.responseText) as App); else reject(new Refused(request.status, request.responseText)); };
    request.onerror = () => { reject(new Error('The connection broke off.')); };
    request.send(file);
  });
}
