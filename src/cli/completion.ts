import { COMMAND_ROWS } from './command-table.ts';
import { type CommandName, FLAGS, type FlagRow, SETTING_FLAGS } from './flag-table.ts';

export type Shell = 'bash' | 'zsh' | 'fish';

const ALL_FLAGS: readonly FlagRow[] = [
  ...FLAGS,
  ...SETTING_FLAGS,
  { flag: 'help', short: 'h', type: 'boolean', meaning: 'this text' },
  { flag: 'version', short: 'V', type: 'boolean', meaning: 'the version' },
];
const NAMES = COMMAND_ROWS.map(([name]) => name);
/** Commands whose words are binaries of the manifest. */
const OF_BINARIES = COMMAND_ROWS.filter(([, { names }]) => names === 'binaries').map(([name]) => name);

/** The completion of a shell, made of the tables that the command line follows. Names of binaries are asked for. */
export function completionFor(shell: Shell): string {
  return { bash, zsh, fish }[shell]();
}

/** Without a command it is `run`. */
function flagsOf(command: CommandName | ''): readonly FlagRow[] {
  const asked = command === '' ? 'run' : command;
  return ALL_FLAGS.filter(({ of }) => of === undefined || of.includes(asked));
}

/** What follows a flag: files, directories, one of some words, or what nobody can guess. */
function valueFlags(kind: 'files' | 'directories' | 'other'): readonly string[] {
  const kinds: Readonly<Record<string, 'files' | 'directories'>> = { FILE: 'files', PATH: 'files', DIR: 'directories' };
  const fitting = ALL_FLAGS.filter(
    ({ type, choices, placeholder = '' }) =>
      type === 'string' && choices === undefined && (kinds[placeholder] ?? 'other') === kind,
  );
  return fitting.flatMap(({ flag, short }) => [`--${flag}`, ...(short === undefined ? [] : [`-${short}`])]);
}

const CHOOSING = ALL_FLAGS.flatMap(({ flag, choices }) => (choices === undefined ? [] : [{ flag, choices }]));
/** What the words after a command are, where there are only some. */
const WORDS: readonly (readonly [CommandName, readonly string[]])[] = [
  ...COMMAND_ROWS.flatMap(([name, { actions }]) => (actions === undefined ? [] : [[name, actions] as const])),
  ['help', [...NAMES, 'exit-codes']],
];

function bash(): string {
  const flags = NAMES.map((name) => `      ${name}) words='${longFlags(name)}' ;;`);
  return `# bash completion of bin-proxy, as "bin-proxy completion bash" prints it.
_bin_proxy() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} command= words= i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      ${NAMES.join('|')}) command=\${COMP_WORDS[i]}; break ;;
    esac
  done
  case $previous in
${CHOOSING.map(({ flag, choices }) => `    --${flag}) words='${choices.join(' ')}' ;;`).join('\n')}
    ${valueFlags('files').join('|')}) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    ${valueFlags('directories').join('|')}) mapfile -t COMPREPLY < <(compgen -d -- "$current"); return ;;
    ${valueFlags('other').join('|')}) return ;;
  esac
  if [[ -z $words && $current == -* ]]; then
    case $command in
      '') words='${longFlags('')}' ;;
${flags.join('\n')}
    esac
  elif [[ -z $words ]]; then
    case $command in
      '') words='${NAMES.join(' ')}' ;;
      ${OF_BINARIES.join('|')}) words=$("\${COMP_WORDS[0]}" completion names 2>/dev/null) ;;
${WORDS.map(([name, words]) => `      ${name}) words='${words.join(' ')}' ;;`).join('\n')}
    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -o filenames -F _bin_proxy bin-proxy
`;
}

function longFlags(command: CommandName | ''): string {
  return flagsOf(command)
    .map(({ flag }) => `--${flag}`)
    .join(' ');
}

function zsh(): string {
  const flags = (['', ...NAMES] as const).map(
    (name) =>
      `      ${name === '' ? "''" : name}) these=(${described(flagsOf(name).map((row) => [`--${row.flag}`, row.meaning]))}) ;;`,
  );
  return `#compdef bin-proxy
# zsh completion of bin-proxy, as "bin-proxy completion zsh" prints it.
_bin-proxy() {
  local -a these
  local word command=
  for word in \${words[2,CURRENT-1]}; do
    case $word in
      ${NAMES.join('|')}) command=$word; break ;;
    esac
  done
  case $words[CURRENT-1] in
${CHOOSING.map(({ flag, choices }) => `    --${flag}) compadd -- ${choices.join(' ')}; return ;;`).join('\n')}
    ${valueFlags('files').join('|')}) _files; return ;;
    ${valueFlags('directories').join('|')}) _files -/; return ;;
    ${valueFlags('other').join('|')}) return ;;
  esac
  if [[ $words[CURRENT] == -* ]]; then
    case $command in
${flags.join('\n')}
    esac
    _describe -o flag these
    return
  fi
  case $command in
    '') these=(${described(COMMAND_ROWS.map(([name, { meaning }]) => [name, meaning]))}); _describe command these ;;
    ${OF_BINARIES.join('|')}) these=(\${(f)"$($words[1] completion names 2>/dev/null)"}); compadd -a these ;;
${WORDS.map(([name, words]) => `    ${name}) compadd -- ${words.join(' ')} ;;`).join('\n')}
  esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _bin-proxy "$@"; else compdef _bin-proxy bin-proxy; fi
`;
}

/** Words with their meanings for \`_describe\`, which parts them by a colon. */
function described(rows: readonly (readonly [string, string])[]): string {
  return rows.map(([word, meaning]) => quoted(`${word}:${meaning.replaceAll(':', '\\:')}`)).join(' ');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fish(): string {
  const commands = COMMAND_ROWS.map(
    ([name, { meaning }]) => `complete -c bin-proxy -n "__bin_proxy_is ''" -a ${name} -d ${fishQuoted(meaning)}`,
  );
  const words = WORDS.map(([name, some]) => `complete -c bin-proxy -n '__bin_proxy_is ${name}' -a '${some.join(' ')}'`);
  return `# fish completion of bin-proxy, as "bin-proxy completion fish" prints it.
function __bin_proxy_is
    set -l command ''
    for word in (commandline -opc)[2..-1]
        if contains -- $word ${NAMES.join(' ')}
            set command $word
            break
        end
    end
    contains -- "$command" $argv
end
complete -c bin-proxy -f
${commands.join('\n')}
${words.join('\n')}
complete -c bin-proxy -n '__bin_proxy_is ${OF_BINARIES.join(' ')}' -a '(command bin-proxy completion names 2>/dev/null)'
${ALL_FLAGS.map(fishFlag).join('\n')}
`;
}

function fishFlag({ flag, short, type, placeholder = '', choices, meaning, of }: FlagRow): string {
  const value =
    choices === undefined
      ? ['FILE', 'PATH', 'DIR'].includes(placeholder)
        ? '-r -F'
        : '-x'
      : `-x -a '${choices.join(' ')}'`;
  return [
    `complete -c bin-proxy -l ${flag}`,
    ...(short === undefined ? [] : [`-s ${short}`]),
    ...(of === undefined ? [] : [`-n "__bin_proxy_is ${[...of, ...(of.includes('run') ? ["''"] : [])].join(' ')}"`]),
    ...(type === 'string' ? [value] : []),
    `-d ${fishQuoted(meaning)}`,
  ].join(' ');
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
