package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// generateCommand writes what a package of a release holds beside the program.
func (a *app) generateCommand() *cobra.Command {
	return &cobra.Command{
		Use: "generate FOLDER", Short: "Writes the completions of shells and the man pages into a folder", Args: cobra.ExactArgs(1), Hidden: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			completions, pages := filepath.Join(args[0], "completions"), filepath.Join(args[0], "man")
			for _, dir := range []string{completions, pages} {
				if err := os.MkdirAll(dir, 0o755); err != nil {
					return err
				}
			}
			root := cmd.Root()
			for name, write := range map[string]func(string) error{
				"windrow.bash": func(file string) error { return root.GenBashCompletionFileV2(file, true) },
				"windrow.fish": func(file string) error { return root.GenFishCompletionFile(file, true) },
				"windrow.ps1":  root.GenPowerShellCompletionFileWithDesc,
				"_windrow":     root.GenZshCompletionFile,
			} {
				if err := write(filepath.Join(completions, name)); err != nil {
					return err
				}
			}
			v := versionOf()
			root.DisableAutoGenTag = true
			header := &doc.GenManHeader{Title: "WINDROW", Section: "1", Source: "windrow " + v.release, Manual: "Windrow"}
			if at, err := time.Parse(time.RFC3339, v.date); err == nil { // two builds of one commit have the same pages
				header.Date = &at
			}
			if err := doc.GenManTree(root, header, pages); err != nil {
				return err
			}
			_, err := fmt.Fprintf(a.stdout, "Completions are in %s, man pages in %s.\n", completions, pages)
			return err
		},
	}
}
