package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/windrow-data/windrow/pipeline"
)

// didYouMean proposes the known word that is nearest to name, in a sentence that others follow; empty where none is near.
func didYouMean(name string, known []string) string {
	if near := pipeline.Nearest(name, known); near != "" {
		return "Did you mean " + near + "? "
	}
	return ""
}

// flagError says of flags that do not exist which one was meant, and what value a flag takes.
func flagError(cmd *cobra.Command, err error) error {
	var none *pflag.NotExistError
	if errors.As(err, &none) {
		typed := none.GetSpecifiedName()
		if short := none.GetSpecifiedShortnames(); short != "" {
			typed = short
		}
		if near := pipeline.Nearest(typed, flagNames(cmd)); near != "" {
			return fmt.Errorf("%w; did you mean --%s?", err, near)
		}
	}
	var wrong *pflag.InvalidValueError
	if errors.As(err, &wrong) {
		problem := "which is not a number"
		if wrong.GetFlag().Value.Type() == "bool" {
			problem = "which is neither true nor false"
		}
		return fmt.Errorf("--%s is %q, %s", wrong.GetFlag().Name, wrong.GetValue(), problem)
	}
	return err
}

func flagNames(cmd *cobra.Command) (names []string) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	return names
}

// noArgs refuses what stands behind a verb and is no flag.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	if near := pipeline.Nearest(args[0], flagNames(cmd)); near != "" {
		hint = "; did you mean --" + near + "?"
	}
	return fmt.Errorf("'%s' takes flags alone, and there is %q%s", cmd.CommandPath(), args[0], hint)
}

// needsOne is what a command does that only others below it do anything.
func needsOne(cmd *cobra.Command, args []string) error {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	list := strings.Join(names, ", ")
	if len(args) == 0 {
		return usagef(fmt.Sprintf("Run '%s --help' for what it takes.", cmd.CommandPath()), "%s needs one of %s", cmd.Name(), list)
	}
	if near := pipeline.Nearest(args[0], names); near != "" {
		return usagef(fmt.Sprintf("Did you mean '%s %s'?", cmd.CommandPath(), near), "%s has no command %q", cmd.Name(), args[0])
	}
	return usagef("There are "+list+".", "%s has no command %q", cmd.Name(), args[0])
}

// helpCommand is cobra's, which takes words that are no command for none.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [command]", Short: "Help about any command",
		RunE: func(cmd *cobra.Command, args []string) error {
			of, rest, err := cmd.Root().Find(args)
			switch {
			case err != nil:
				return usagef("Run 'windrow --help' for what it takes.", "%s", err)
			case len(rest) > 0:
				return needsOne(of, rest)
			}
			of.InitDefaultHelpFlag()
			return of.Help()
		},
	}
}
