import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 120_000,
    // Two cores: more workers make the process tests starve each other.
    maxWorkers: 2,
    coverage: { provider: "v8", include: ["service/**/*.ts"], reporter: ["text-summary"] },
  },
});
