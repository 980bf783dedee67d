package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/views"
)

func (a *app) viewsCommand() *cobra.Command {
	var dialect string
	var apply bool
	cmd := &cobra.Command{
		Use: "views", Short: "The views that analysts start from: prints them, or keeps them beside the tables", Args: noArgs,
		Long: `Prints the SQL of the views over the configured sink: calls, agents and days,
service level, queues, satisfaction, occupancy, what changed. Each states its grain
and its formula.

--apply makes them: in BigQuery beside the tables, for Parquet as a file that opens
the warehouse in DuckDB (duckdb -init warehouse/_windrow/views.sql). From then on
each sync keeps them current. It needs no variable but the sink's.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.configureSink()
			if err != nil {
				return err
			}
			of := s.target.dialect
			if dialect != "" {
				if of = views.Dialect(dialect); !slices.Contains(views.Dialects, of) {
					return usagef(didYouMean(dialect, []string{string(views.DuckDB), string(views.BigQuery)})+"The dialects are duckdb and bigquery.", "--dialect %s is not known", dialect)
				}
			}
			return a.views(cmd.Context(), s, of, apply)
		},
	}
	cmd.Flags().StringVar(&dialect, "dialect", "", "duckdb or bigquery (default: the sink's)")
	cmd.Flags().BoolVar(&apply, "apply", false, "make the views, or renew them")
	return cmd
}

// views prints the views or makes them. In the dialect of another kind of sink they are over tables without a place.
func (a *app) views(ctx context.Context, s *setup, of views.Dialect, apply bool) error {
	if of != s.target.dialect {
		if apply {
			return usagef("Leave --dialect out.", "--apply makes the views of the sink, %s, whose dialect is %s", s.Sink, s.target.dialect)
		}
		place := views.Place{Dialect: of}
		list, err := views.Build(place)
		if err != nil {
			return err
		}
		_, err = io.WriteString(a.stdout, views.Script(place, list))
		return err
	}
	store, err := a.openStore(ctx, s)
	if err != nil {
		return err
	}
	err = s.target.explain(s.Sink, a.viewsOf(ctx, s, store, apply))
	if closed := store.Close(); err == nil {
		err = closed
	}
	return err
}

func (a *app) viewsOf(ctx context.Context, s *setup, store pipeline.Store, apply bool) error {
	keeper, can := store.(pipeline.ViewKeeper)
	if !can {
		return fmt.Errorf("the sink %s keeps no views", s.Sink)
	}
	if !apply {
		_, script, err := keeper.Views(ctx)
		if err == nil {
			_, err = io.WriteString(a.stdout, script)
		}
		return err
	}
	list, where, err := keeper.KeepViews(ctx, false)
	if err != nil {
		return err
	}
	var names []string
	for _, v := range list {
		names = append(names, v.Name)
	}
	if where == "" {
		fmt.Fprintf(a.stdout, "The %d views are as they should be.\n", len(list))
		return nil
	}
	fmt.Fprintf(a.stdout, "%d views are kept in %s: %s.\n", len(list), where, strings.Join(names, ", "))
	if s.target.dialect == views.DuckDB {
		fmt.Fprintf(a.stdout, "\nTo open them: %s\n", opening(where))
	}
	return nil
}

// opening is the command that opens views in DuckDB's shell, which reads its -init from a file alone.
func opening(where string) string {
	if strings.Contains(where, "://") {
		return "fetch " + where + ", then duckdb -init views.sql"
	}
	if strings.ContainsFunc(where, func(r rune) bool {
		return r < utf8.RuneSelf && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("/._-+=@:,", r)
	}) {
		where = "'" + strings.ReplaceAll(where, "'", `'\''`) + "'"
	}
	return "duckdb -init " + where
}

// renewViews renews the views where some are kept. Tables are whole without them: a failure is told and no more.
func (s *setup) renewViews(ctx context.Context, store pipeline.Store) {
	keeper, can := store.(pipeline.ViewKeeper)
	if !can {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	_, where, err := keeper.KeepViews(ctx, true)
	switch {
	case err != nil:
		s.log.Warn("the views could not be renewed; `windrow views --apply` tries again: " + err.Error())
	case where != "":
		s.log.Debug("the views were renewed", "where", where)
	}
}
