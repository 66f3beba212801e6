import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const FUNCTIONS = [
  'FunctionDeclaration',
  'FunctionExpression',
  'ArrowFunctionExpression',
  'TSDeclareFunction',
  'TSEmptyBodyFunctionExpression',
  'TSMethodSignature',
  'TSFunctionType',
].join();
const BOOLEAN_PARAMETER = 'A boolean parameter braids deciding with doing: make two functions, or name the choice.';

/** What the type checker can see. Form and the plainer mistakes are biome's. */
export default defineConfig(
  { ignores: ['dist/', 'coverage/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      // The compiler finds them, and knows that a name with an underscore is unused on purpose.
      '@typescript-eslint/no-unused-vars': 'off',
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // vitest's own matchers (`expect.any`, `expect.objectContaining`) are of type any.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      // A function that stands for an asynchronous one need not wait for anything.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'max-lines': ['error', { max: 200, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 40, skipBlankLines: true, skipComments: true }],
      'max-params': ['error', { max: 3 }],
      complexity: ['error', { max: 15 }],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'A named export has one name everywhere.' },
        ...[
          '> Identifier.params > TSTypeAnnotation > TSBooleanKeyword',
          '> Identifier.params > TSTypeAnnotation > TSUnionType > TSBooleanKeyword',
          '> AssignmentPattern.params > Identifier > TSTypeAnnotation > TSBooleanKeyword',
          '> AssignmentPattern.params > Literal[raw=/^(true|false)$/]',
        ].map((path) => ({ selector: `:matches(${FUNCTIONS}) ${path}`, message: BOOLEAN_PARAMETER })),
      ],
    },
  },
);
