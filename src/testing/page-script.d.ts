/** The script of page.ts with all it imports, put in by build/page-plugin.ts. */
declare module 'virtual:latentgpu-testing-page' {
  const script: string;
  export default script;
}
