// esbuild turns an imported picture into a data URL.
declare module "*.svg" {
  const url: string;
  export default url;
}
