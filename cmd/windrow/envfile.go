package main

import (
	"errors"
	"io/fs"
	"slices"

	"github.com/spf13/pflag"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
)

const envFileFlag = "env-file"

// envFiles are the files of --env-file. They are read before anything else, since they may say how to log, and what is
// wrong with them is told when it is known which command it is.
type envFiles struct {
	config.EnvFiles
	read  []string // as they were found on the command line
	names []string // as the flag has them
	err   error
}

func (f *envFiles) declare(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.names, envFileFlag, nil, "read variables from this file of lines NAME=value; several: the last wins; the environment wins over it")
}

// readEnvFiles finds the files on a command line, and puts their variables into the environment.
func readEnvFiles(args []string) envFiles {
	var f envFiles
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.Usage = func() {}
	flags.BoolP("help", "h", false, "")
	flags.StringArrayVar(&f.read, envFileFlag, nil, "")
	_ = flags.Parse(args) // whoever parses all flags tells what is wrong with them
	if len(f.read) == 0 {
		return f
	}
	f.EnvFiles, f.err = config.ReadEnvFiles(f.read)
	if f.err == nil {
		f.err = f.Set()
	}
	return f
}

// refusal says what is wrong with the files.
func (f *envFiles) refusal() error {
	switch {
	case errors.Is(f.err, fs.ErrNotExist):
		return usagef("A path that is relative counts from the folder in which windrow runs.", "--env-file: %s", f.err)
	case f.err != nil:
		return usagef("A line is NAME=value; comments begin with #, and quotes around a value are taken off.", "%s", f.err)
	case !slices.Equal(f.names, f.read):
		return usagef("", "--env-file stands behind a flag whose value is missing")
	}
	return nil
}
