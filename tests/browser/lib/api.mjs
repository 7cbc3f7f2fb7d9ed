/** The HTTP contract as a program uses it; for preparing what a journey starts from, never for what it checks. */
export class Api {
  #url;
  #cookie = '';

  constructor(url) {
    this.#url = url;
  }

  async call(method, path, body) {
    const response = await fetch(`${this.#url}/api/v1${path}`, {
      method,
      headers: {
        origin: this.#url,
        ...(this.#cookie ? { cookie: this.#cookie } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const set = response.headers.getSetCookie().map((line) => line.split(';')[0]);
    if (set.length > 0) this.#cookie = set.join('; ');
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 300)}`);
    return text ? JSON.parse(text) : null;
  }

  get(path) {
    return this.call('GET', path);
  }
  post(path, body = {}) {
    return this.call('POST', path, body);
  }
  patch(path, body) {
    return this.call('PATCH', path, body);
  }

  async upload(name, text) {
    const response = await fetch(`${this.#url}/api/v1/attachments?name=${encodeURIComponent(name)}`, {
      method: 'POST',
      headers: { origin: this.#url, cookie: this.#cookie, 'content-type': 'text/plain' },
      body: text,
    });
    if (!response.ok) throw new Error(`upload ${name}: ${response.status}`);
    return response.json();
  }

  async signIn(person) {
    await this.post('/sessions', { email: person.email, password: person.password });
    return this;
  }
}
