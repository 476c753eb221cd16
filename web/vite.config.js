import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

// `npm run dev` shows the running demo, through the same origin as in production.
const DEMO = "http://127.0.0.1:8000";
const at = (path) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  base: "/graphiql/",
  esbuild: { jsx: "automatic" },
  build: {
    target: "es2022",
    outDir: process.env.PAT_WEB_DRAFT ?? at("dist"),
    emptyOutDir: true,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1500,
    reportCompressedSize: false,
    modulePreload: { polyfill: false },
    rollupOptions: {
      // "use client" says nothing to a bundle that is all client.
      onwarn: (warning, warn) => warning.code === "MODULE_LEVEL_DIRECTIVE" || warn(warning),
    },
  },
  server: { proxy: { "/graphql": DEMO, "/demo": DEMO } },
});
