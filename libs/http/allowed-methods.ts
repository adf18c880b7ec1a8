import type { Request } from 'express';

/** What is read here of an entry of Express' router: its types leave `match` out. */
interface Route {
  match(path: string): boolean;
  readonly route: { readonly methods: Readonly<Record<string, boolean | undefined>> };
}

const isRoute = (layer: object): layer is Route =>
  'match' in layer && typeof layer.match === 'function' && 'route' in layer && layer.route !== undefined;

/** Whether a route answers a path; a path that cannot be decoded matches nothing. */
function matches(route: Route, path: string): boolean {
  try {
    return route.match(path);
  } catch {
    return false;
  }
}

/** The methods that some route answers on a request's path: what a 405 lists in Allow. Empty for an unknown path. */
export function allowedMethods(request: Request): readonly string[] {
  const layers: readonly object[] = request.app.router.stack;
  const methods = new Set<string>();
  for (const layer of layers) {
    if (!isRoute(layer) || !matches(layer, request.path)) continue;
    for (const [method, answered] of Object.entries(layer.route.methods)) {
      if (answered && method !== '_all') methods.add(method.toUpperCase());
    }
  }
  if (methods.has('GET')) methods.add('HEAD');
  return [...methods].sort();
}
