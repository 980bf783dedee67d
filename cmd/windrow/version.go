package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// release, commit and date are those of a build that knows no version control, such as an
// image's: -ldflags "-X main.release=v1.2.3 -X main.commit=… -X main.date=2025-09-08T02:00:00Z".
var release, commit, date string

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Prints the version, its commit and the commit's date", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			v := versionOf()
			_, err := fmt.Fprintf(a.stdout, "windrow %s (commit %s, %s) %s\n", v.release, v.commit, v.date, runtime.Version())
			return err
		},
	}
}

// version is what a build knows of itself.
type version struct{ release, commit, date string }

// versionOf asks the linker's flags first, then what the go command has noted of version control.
func versionOf() version {
	v := version{release, commit, date}
	if info, ok := debug.ReadBuildInfo(); ok {
		v.release = cmp.Or(v.release, info.Main.Version)
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				v.commit = cmp.Or(v.commit, s.Value)
			case "vcs.time":
				v.date = cmp.Or(v.date, s.Value)
			}
		}
	}
	return version{cmp.Or(v.release, "(devel)"), cmp.Or(v.commit, "unknown"), cmp.Or(v.date, "of unknown date")}
}
