/** An http(s) address that is a secret itself, without a user and a password; undefined where it is none. */
export function secretUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSound = url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
  return isSound ? url : undefined;
}
