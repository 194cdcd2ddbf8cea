// Server-side rendering: a module that a page shares with the server is loaded where there is no navigator.
delete globalThis.navigator;
const names = process.argv.slice(2);
const modules = await Promise.all(names.map((name) => import(name)));
console.log(JSON.stringify(modules.map((module) => Object.keys(module).length > 0)));
