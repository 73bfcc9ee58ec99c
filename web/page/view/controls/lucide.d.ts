declare module "lucide/dist/esm/icons/*.mjs" {
  const shapes: readonly (readonly [tag: string, attributes: Readonly<Record<string, string>>])[];
  export default shapes;
}
