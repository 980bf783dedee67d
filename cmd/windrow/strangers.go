package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
)

// shownStrangers is how many files of others a message names.
const shownStrangers = 10

// strangers are the files of others among the tables.
type strangers struct {
	harmful, other []string // shownStrangers of them at most
	more           int      // harmful ones beyond those
}

// findStrangers looks for files of others; a sink in which nobody else can put anything has none.
func findStrangers(ctx context.Context, store pipeline.Store) (found strangers, err error) {
	lister, ok := store.(pipeline.StrangerLister)
	if !ok {
		return found, nil
	}
	for stranger, err := range lister.Strangers(ctx) {
		switch {
		case err != nil:
			return found, err
		case stranger.Harmful && len(found.harmful) == shownStrangers:
			found.more++
		case stranger.Harmful:
			found.harmful = append(found.harmful, stranger.Name)
		case len(found.other) < shownStrangers:
			found.other = append(found.other, stranger.Name)
		}
	}
	return found, nil
}

// refusal is an error where readers of the tables would take a file for a part of them, or miss one.
func (f strangers) refusal() error {
	if len(f.harmful) == 0 {
		return nil
	}
	more := ""
	if f.more > 0 {
		more = fmt.Sprintf(" and %d more", f.more)
	}
	return &pipeline.Error{
		Op: "look at the tables' folders", Kind: pipeline.Invalid,
		Err:  fmt.Errorf("these are not Windrow's, and who reads the tables takes them in, or misses what a link leads to: %s%s", strings.Join(f.harmful, ", "), more),
		Hint: "move them out of the folders of the tables; a folder on another disk is mounted there, not linked",
	}
}

// refuseStrangers refuses a run whose tables hold files of others. Files that no reader takes in are only named.
func refuseStrangers(ctx context.Context, store pipeline.Store, log *slog.Logger) error {
	found, err := findStrangers(ctx, store)
	if err != nil {
		return err
	}
	if len(found.other) > 0 {
		log.Warn("files that are not Windrow's lie among the tables", "files", strings.Join(found.other, ", "))
	}
	return found.refusal()
}
