package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/sourcegraph/conc/pool"
	"github.com/spf13/cobra"

	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
)

// checkFor bounds how long a check retries: somebody waits for its answer.
const checkFor = 10 * time.Second

// checkSourceFor bounds all that a source is asked, however many targets and names it has.
const checkSourceFor = 5 * time.Minute

// checkSinkFor bounds how long the sink may take: its client repeats what
// fails for a while, and a first query may take some seconds.
const checkSinkFor = 30 * time.Second

func (a *app) checkCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "check", Short: "Tries what a sync needs of each configured source, and the sink", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, sources, err := a.sourcesInHaste()
			if err != nil {
				return err
			}
			return a.check(cmd.Context(), s, sources, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// checkResult is the JSON of one thing that was tried.
type checkResult struct {
	What     string   `json:"what"`
	OK       bool     `json:"ok"`
	Error    string   `json:"error,omitempty"`    // with OK false
	Note     string   `json:"note,omitempty"`     // what is no fault and should be known
	Warnings []string `json:"warnings,omitempty"` // what may be a fault

	err error
}

// resultOf is what came of trying one thing.
func resultOf(what, note string, warnings []string, err error) checkResult {
	r := checkResult{What: what, OK: err == nil, Note: note, Warnings: warnings, err: err}
	if err != nil {
		r.Error = err.Error()
	}
	return r
}

// check tries everything at once, whatever of it fails, and prints one line each, or a document.
func (a *app) check(ctx context.Context, s *setup, sources []pipeline.Source, asJSON bool) error {
	parts := make([][]checkResult, len(sources)+3)
	var tenants engine.Tenants
	all := pool.New()
	for i, source := range sources {
		all.Go(func() { parts[i] = checkSource(ctx, s, source) })
	}
	all.Go(func() {
		note, found, err := a.checkSink(ctx, s, sources)
		tenants = found
		parts[len(sources)] = []checkResult{resultOf("sink "+s.where(), note, nil, err)}
	})
	all.Go(func() { parts[len(sources)+1] = a.checkArchive(ctx, s) })
	all.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, r := range tenants.Refused() { // now that the sources may have been told more
		parts[len(sources)+2] = append(parts[len(sources)+2], resultOf(r.Account.Label()+" tenant", "", nil, r.Err))
	}
	found := slices.Concat(parts...)
	code := exitOfChecks(found)
	if !asJSON {
		return errors.Join(a.showChecks(found), exitWith(code))
	}
	return errors.Join(show.Document(a.stdout, struct {
		Checks []checkResult `json:"checks"`
		Exit   int           `json:"exit"`
	}{found, code}), exitWith(code))
}

// checkArchive tries whether answers can be kept, where they are to be.
func (a *app) checkArchive(ctx context.Context, s *setup) []checkResult {
	place := s.archivePlace()
	if place == "" {
		return nil
	}
	kept, err := a.openArchive(ctx, s, nil)
	if err == nil {
		err = errors.Join(kept.Check(ctx), kept.Close())
	}
	return []checkResult{resultOf("archive "+place, "", nil, err)}
}

// checkSource tries what a sync needs of a source: all that it can prove, for the streams that are read.
func checkSource(ctx context.Context, s *setup, source pipeline.Source) []checkResult {
	ctx, cancel := context.WithTimeout(ctx, checkSourceFor)
	defer cancel()
	streams := source.Streams()
	key := streams[0].Key
	label := pipeline.TenantKey{Source: key.Stream.Source(), Account: key.Account}.Label()
	var read []pipeline.StreamID
	var unsaid []string
	for _, st := range streams {
		if len(st.Missing) == 0 && st.Chosen(s.Streams) {
			read = append(read, st.Key.Stream)
			for _, what := range st.Unsaid {
				unsaid = append(unsaid, string(st.Key.Stream)+": "+what)
			}
		}
	}
	prover, ok := source.(pipeline.Prover)
	if !ok {
		return []checkResult{resultOf(label, strings.Join(unsaid, "\n"), nil, source.Check(ctx))}
	}
	var found []checkResult
	for _, p := range prover.Prove(ctx, read) {
		found = append(found, resultOf(strings.TrimSpace(label+" "+p.What), p.Note, p.Warnings, p.Err))
	}
	if len(unsaid) > 0 { // the first proof is of the source itself, and has no note of its own
		found[0].Note = strings.Join(unsaid, "\n")
	}
	return found
}

// checkSink opens the sink, tries to write, and looks for what a sync would refuse. It returns whose data the sink has.
func (a *app) checkSink(ctx context.Context, s *setup, sources []pipeline.Source) (note string, tenants engine.Tenants, err error) {
	ctx, cancel := context.WithTimeout(ctx, checkSinkFor)
	defer cancel()
	store, err := a.openStore(ctx, s)
	if err != nil {
		return "", tenants, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := store.Check(ctx); err != nil {
		return "", tenants, s.target.explain(s.Sink, err)
	}
	e := &engine.Engine{Store: store, Sources: sources, Streams: s.Streams, Now: a.now, TenantRemedy: show.TenantRemedy}
	if tenants, err = e.Tenants(ctx); err == nil {
		err = s.refuseUnserved(ctx, e)
	}
	if err != nil {
		return "", tenants, s.target.explain(s.Sink, err)
	}
	others, err := s.findStrangers(ctx, store)
	if err == nil {
		err = errors.Join(others.refusal(), lost(others.ledgerless))
	}
	if len(others.other) > 0 {
		note = "files that are not Windrow's lie among the tables: " + strings.Join(others.other, ", ")
	}
	if beside, err := strangersBeside(ctx, store); err != nil {
		return note, tenants, err
	} else if beside != "" {
		note = strings.TrimLeft(note+"\n"+beside, "\n")
	}
	if err == nil {
		err = checkTables(ctx, s, store)
	}
	return note, tenants, err
}

// checkTables does the cheap part of a verification: it opens no file.
func checkTables(ctx context.Context, s *setup, store pipeline.Store) error {
	if _, ok := store.(pipeline.Verifier); !ok {
		return nil
	}
	first, windows, extra := "", 0, 0
	found, err := (&engine.Engine{Store: store, Now: time.Now}).Verify(ctx, engine.Verification{
		Depth: pipeline.ByListing, Catalogue: s.catalogue(),
		Tell: func(k pipeline.StreamKey, d pipeline.Difference) error {
			if d.Kind != pipeline.DiffForeign && first == "" {
				first = show.Difference(k, d)
			}
			return nil
		},
	})
	if err = errors.Join(found.Damaged, err); err != nil {
		return err
	}
	for _, of := range found.Streams {
		windows, extra = windows+of.Different, extra+of.Extra
	}
	if windows+extra == 0 {
		return nil
	}
	return &pipeline.Error{Op: "compare the tables with the ledger", Kind: pipeline.SinkFailed,
		Err:  fmt.Errorf("%s and %s of no window differ from the ledger; the first: %s", pipeline.Counted(windows, "window"), pipeline.Counted(extra, "file"), first),
		Hint: "`windrow verify` names them all, and what to do"}
}

// showChecks prints a line for each check, and what is longer than a line below.
func (a *app) showChecks(found []checkResult) error {
	t := show.NewTable("what", "result")
	below, warnings := "", ""
	for _, r := range found {
		result := "ok"
		var refused *refusedError
		switch {
		case errors.As(r.err, &refused):
			result = "failed"
			below += fmt.Sprintf("\n%s failed: %s\n\n%s\n", r.What, refused.error, refused.commands)
		case r.err != nil:
			first, rest, long := strings.Cut(r.Error, "\n")
			result = "failed"
			below += fmt.Sprintf("\n%s failed: %s\n", r.What, first)
			if long {
				below += "\n" + rest + "\n"
			}
		}
		if r.Note != "" {
			below += "\n" + r.Note + "\n"
		}
		for _, w := range r.Warnings {
			warnings += "\nwarning: " + r.What + ": " + w
		}
		t.Row(r.What, result)
	}
	if err := t.Print(a.stdout); err != nil {
		return err
	}
	if warnings != "" {
		below += warnings + "\n"
	}
	_, err := fmt.Fprint(a.stdout, below)
	return err
}

// exitOfChecks is the exit code of a check that found these. By a wrong clock nothing is read or written, and into a full
// or read-only sink nothing is committed: either outweighs all else, as it does in a sync.
func exitOfChecks(found []checkResult) int {
	var e pipeline.Ending
	refused := false
	for _, r := range found {
		if k := pipeline.KindOf(r.err); k == pipeline.ClockWrong || k == pipeline.Unwritable {
			return pipeline.ExitOf(k)
		}
		e.Failed = e.Failed || !r.OK
		e.Damaged = e.Damaged || pipeline.KindOf(r.err) == pipeline.Damaged
		e.Unauthorized = e.Unauthorized || !r.OK && pipeline.KindOf(r.err) == pipeline.Unauthorized
		refused = refused || exitCode(r.err) == pipeline.ExitInvalid
	}
	if code := e.Exit(); code != pipeline.ExitFailed || !refused {
		return code
	}
	return pipeline.ExitInvalid
}

// shownStrangers is how many files of others a message names.
const shownStrangers = 10

// strangers are the files of others among the tables.
type strangers struct {
	harmful    few
	other      []string             // shownStrangers of them at most
	ledgerless []pipeline.StreamKey // streams of this program that have data and no ledger
}

// few are the first of some names, for people, and how many more there are.
type few struct {
	names []string
	more  int
}

func (f *few) add(name string) {
	if len(f.names) == shownStrangers {
		f.more++
		return
	}
	f.names = append(f.names, name)
}

func (f few) String() string {
	text := strings.Join(f.names, ", ")
	if f.more > 0 {
		text += fmt.Sprintf(" and %d more", f.more)
	}
	return text
}

// findStrangers looks for files of others, and for data that no ledger knows of.
func (s *setup) findStrangers(ctx context.Context, store pipeline.Store) (found strangers, err error) {
	lister, ok := store.(pipeline.StrangerLister)
	if !ok { // nobody else can put anything there
		return found, s.addLedgerless(ctx, store, &found)
	}
	for stranger, err := range lister.Strangers(ctx) {
		switch {
		case err != nil:
			return found, err
		case stranger.Harmful:
			found.harmful.add(stranger.Name)
		case len(found.other) < shownStrangers:
			found.other = append(found.other, stranger.Name)
		}
	}
	return found, s.addLedgerless(ctx, store, &found)
}

// strangersBeside names the files of others beside the ledger, which nobody reads: a copy that somebody means to restore from,
// or one that he takes for the ledger.
func strangersBeside(ctx context.Context, store pipeline.Store) (note string, err error) {
	lister, ok := store.(pipeline.StrangerLister)
	if !ok {
		return "", nil
	}
	var beside few
	for stranger, err := range lister.StrangersBeside(ctx) {
		if err != nil {
			return "", err
		}
		beside.add(stranger.Name)
	}
	if len(beside.names) == 0 {
		return "", nil
	}
	return "files that are not Windrow's lie beside its ledger, and it reads none of them: " + beside.String(), nil
}

// addLedgerless adds the streams of which there are windows and no ledger. The first commit notes what it begins before it
// writes: such a stream has lost its ledger, and a sync would take its windows for nobody's. Of a stream that this program
// does not know nothing would ever be read or removed.
func (s *setup) addLedgerless(ctx context.Context, store pipeline.Store, found *strangers) error {
	lost, err := s.ledgerless(ctx, store)
	for _, k := range lost {
		if slices.ContainsFunc(s.catalogue(), func(of pipeline.Stream) bool { return of.Key.Stream == k.Stream }) {
			found.ledgerless = append(found.ledgerless, k)
			continue
		}
		found.harmful.add(fmt.Sprintf("the windows of %s, a stream that neither the ledger nor the configuration has", folderOf(k)))
	}
	return err
}

// folderOf names a stream as its folders are.
func folderOf(k pipeline.StreamKey) string {
	return fmt.Sprintf("source=%s/account=%s/stream=%s", k.Stream.Source(), k.Account, k.Stream)
}

// ledgerless are the streams of which there are windows and no ledger. The ledger is asked last, for the sake of a commit of
// somebody else. Where looking for windows is a query that is billed, it is made only where a stream that is read has no
// ledger.
func (s *setup) ledgerless(ctx context.Context, store pipeline.Store) (seen []pipeline.StreamKey, err error) {
	if lister, ok := store.(pipeline.StrangerLister); ok {
		if seen, err = lister.Seen(ctx); err != nil {
			return nil, err
		}
	} else if sweeper, ok := store.(pipeline.Sweeper); ok {
		known, err := store.Streams(ctx)
		if err != nil || !s.readsBeyond(known) {
			return nil, err
		}
		if seen, err = sweeper.Holders(ctx); err != nil || len(seen) == 0 {
			return nil, err
		}
	}
	slices.SortFunc(seen, func(a, b pipeline.StreamKey) int {
		return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Account, b.Account))
	})
	known, err := store.Streams(ctx)
	return slices.DeleteFunc(seen, func(k pipeline.StreamKey) bool { return slices.Contains(known, k) }), err
}

// readsBeyond reports whether a stream is read that is not among the known ones.
func (s *setup) readsBeyond(known []pipeline.StreamKey) bool {
	return slices.ContainsFunc(s.catalogue(), func(of pipeline.Stream) bool {
		return len(of.Missing) == 0 && of.Chosen(s.Streams) && !slices.Contains(known, of.Key)
	})
}

// refusal is an error where readers of the tables would take a file for a part of them, or miss one.
func (f strangers) refusal() error {
	if len(f.harmful.names) == 0 {
		return nil
	}
	return &pipeline.Error{
		Op: "look at the tables' folders", Kind: pipeline.Invalid,
		Err:  fmt.Errorf("these are not Windrow's, and who reads the tables takes them in, or misses what a link leads to: %s", f.harmful),
		Hint: "move them out of the folders of the tables; a folder on another disk is mounted there, not linked",
	}
}

// refuseStrangers refuses a run whose tables hold files of others. Files that no reader takes in are only named.
func (s *setup) refuseStrangers(ctx context.Context, store pipeline.Store, log *slog.Logger) error {
	found, err := s.findStrangers(ctx, store)
	if err != nil {
		return err
	}
	if len(found.other) > 0 {
		log.Warn("files that are not Windrow's lie among the tables", "files", strings.Join(found.other, ", "))
	}
	return errors.Join(found.refusal(), lost(found.ledgerless))
}
