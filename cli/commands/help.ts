import { type Command, Help, type Option } from 'commander'

/** `mesh help token create`: the help of a command, however deep it is. */
export function helpCommand(program: Command): void {
  program.helpCommand(false)
  program
    .command('help')
    .description('show the help of a command')
    .argument('[command...]', 'its words')
    .action((words: readonly string[], _, self: Command) => {
      const found = words.reduce<Command>((command, word) => {
        const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word))
        return next ?? self.error(`error: there is no command ${words.join(' ')}`)
      }, program)
      found.help()
    })
}

const usual = new Help()

/** How an option is described: one that has to be given is marked. */
export function describeOption(option: Option): string {
  const text = usual.optionDescription(option)
  return option.mandatory ? `${text} (required)` : text
}
