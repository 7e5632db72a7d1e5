// The page's modules and their unit tests. Scripts that are no modules are none of the page's.
import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["**/*.js", "**/*.cjs"] },
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    languageOptions: { ecmaVersion: 2023, sourceType: "module" },
    rules: {
      complexity: ["error", { max: 20 }],
      curly: ["error", "multi-line"],
      eqeqeq: "error",
      "max-len": ["error", { code: 150, ignoreStrings: true, ignoreTemplateLiterals: true }],
      "max-lines-per-function": ["error", { max: 70, skipBlankLines: true, skipComments: true }],
      "no-shadow": "error",
      "no-unused-vars": "error",
      "no-var": "error",
      "prefer-const": "error",
    },
  },
  { files: ["dashboard/assets/**/*.mjs"], languageOptions: { globals: globals.browser } },
  { files: ["tests/dashboard/**/*.mjs", "*.mjs"], languageOptions: { globals: globals.nodeBuiltin } },
];
