// What stands behind the `#` of the address: the same paths as in share links and in the links of mails.

const VIEWS = {
  '': 'home',
  'access-packages': 'package',
  'access-requests': 'request',
  assignments: 'assignment',
  'access-tokens': 'elsewhere',
  'token-requests': 'elsewhere',
  notifications: 'elsewhere',
};

/** The view, and the id in it. A link to a package is judged by the server, whatever it looks like. */
export function routeOf(hash) {
  const [path] = hash.replace(/^#\/?/, '').split('?');
  const [noun, id = ''] = path.split('/');
  return { view: VIEWS[noun] ?? 'nowhere', noun, id, hash };
}

/** How the address names the organization. */
export function hintOf(pathname) {
  return pathname.slice(pathname.lastIndexOf('/@') + 2);
}

export const to = {
  home: '#/',
  accessPackage: (id) => `#/access-packages/${id}`,
  accessRequest: (id) => `#/access-requests/${id}`,
  assignment: (id) => `#/assignments/${id}`,
};
