package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"golang.org/x/text/unicode/norm"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/cmd/windrow/internal/intake"
	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/connectors/ucontact/contacts"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/push"
	"github.com/windrow-data/windrow/sinks/objectstore"
	"github.com/windrow-data/windrow/sinks/pushledger"
)

const (
	// needsWord is how many contacts are sent without one.
	needsWord = 100
	// answerGrace is how long a request under way may still be answered after a signal; see stopWithin.
	answerGrace = 4 * time.Second
	// othersFor is how long the end of a push waits for batches of its contacts that another push is sending: longer than an
	// exchange takes.
	othersFor = 5 * time.Minute
)

func (a *app) pushCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "push", Short: "Contacts to an outbound hub of uContact, each accepted at most once",
		Long: `Sends contacts to an outbound hub of uContact. A send ledger knows every contact that
was sent, or may have been, under the name or key of a push, and none is sent again
by itself. The same push again sends what is still planned or refused.`,
		RunE: needsOne,
	}
	cmd.AddCommand(a.pushOf(push.Lists), a.pushOf(push.Leads), a.pushStatusCommand(), a.pushResolveCommand())
	return cmd
}

// pushFlags are those of lists and leads.
type pushFlags struct {
	key                  push.Key
	account              string
	from, rejects        string
	suppress             []string
	maps                 []string
	hubType, zone, hours string
	country              string
	batch, most          int
	maxRefused           float64
	way                  struct{ dryRun, resend, past, yes, asJSON bool }
}

// pushOf is the verb of one way of delivery.
func (a *app) pushOf(d push.Delivery) *cobra.Command {
	f := pushFlags{key: push.Key{Delivery: d}}
	cmd := &cobra.Command{
		Use: "lists", Short: "Uploads contacts as a list of a hub", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.push(cmd, &f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.key.Hub, "hub", "", "the hub's name")
	if d == push.Lists {
		flags.StringVar(&f.key.Name, "name", "", "the list's name, which also names this push")
	} else {
		cmd.Use, cmd.Short = "leads", "Sends contacts as fresh leads, which a hub calls soon or when they say"
		flags.StringVar(&f.key.Name, "key", "", "what names this push")
	}
	flags.StringVar(&f.hubType, "hub-type", "", "telephony, preview, voicebroadcast, email, sms or whatsapp")
	flags.StringVar(&f.from, "from", "", "the contacts: a file or an object of gs:// or s3:// (.csv, .jsonl, .parquet), - for CSV on stdin, or bigquery://project?query=@file.sql")
	flags.StringArrayVar(&f.maps, "map", nil, "column=property; may be repeated. data.x is the member x of data")
	flags.StringVar(&f.zone, "timezone", "", "IANA zone of contacts that name none")
	flags.StringVar(&f.country, "country", "", "country of numbers that name none, as UY; without it they are sent as they are")
	flags.StringArrayVar(&f.suppress, "suppress", nil, "a file of addresses that nothing is sent to; may be repeated")
	flags.StringVar(&f.hours, "hours", "", "refuse leads whose scheduleDate is outside these hours in the contact's zone: 09:00-20:00")
	flags.IntVar(&f.batch, "batch", map[push.Delivery]int{push.Lists: 500, push.Leads: 50}[d], "contacts of one request")
	flags.IntVar(&f.most, "max", -1, "send nothing where more contacts are to be sent; -1: however many")
	flags.StringVar(&f.account, "account", "", "the account, where several are configured")
	flags.BoolVar(&f.way.dryRun, "dry-run", false, "check everything, send and write nothing")
	flags.BoolVar(&f.way.resend, "resend-changed", false, "send contacts again whose content differs from what was sent")
	flags.BoolVar(&f.way.past, "allow-past", false, "take a scheduleDate that has passed")
	flags.Float64Var(&f.maxRefused, "max-refused", 0.5, "share of refused rows above which nothing is sent")
	flags.StringVar(&f.rejects, "rejects", "", "file for the refused rows; by default the input's name with the ending .rejected.csv")
	flags.BoolVar(&f.way.yes, "yes", false, "send more than 100 contacts without asking")
	flags.BoolVar(&f.way.asJSON, "json", false, "print one JSON document, alone on stdout")
	return cmd
}

// pushName is the name of a push as it is typed. A letter with an accent, which keyboards and file systems write in two ways, is
// one sign: the other way would name another push, and send everybody again.
func pushName(typed string) string { return norm.NFC.String(strings.TrimSpace(typed)) }

// check finds what is wrong with the flags by themselves.
func (f *pushFlags) check() error {
	name := "--name"
	if f.key.Delivery == push.Leads {
		name = "--key"
	}
	f.key.Hub, f.key.Name = strings.TrimSpace(f.key.Hub), pushName(f.key.Name)
	for _, needed := range [][2]string{{"--hub", f.key.Hub}, {name, f.key.Name}, {"--hub-type", f.hubType}, {"--from", f.from}} {
		if needed[1] == "" {
			return usagef("Run 'windrow push --help' for what it takes.", "push needs %s", needed[0])
		}
		if strings.ContainsFunc(needed[1], unicode.IsControl) {
			return usagef("", "%s holds a control character", needed[0])
		}
	}
	switch {
	case f.key.Hub == "." || f.key.Hub == "..":
		return usagef("", "--hub %q is no hub's name", f.key.Hub)
	case f.batch < 1:
		return usagef("", "--batch %d is less than one contact", f.batch)
	case f.most < -1:
		return usagef("", "--max %d is less than none", f.most)
	case !(f.maxRefused >= 0 && f.maxRefused <= 1):
		return usagef("For example --max-refused 0.1.", "--max-refused is not a share between 0 and 1")
	}
	types := make([]string, len(contacts.HubTypes))
	for i, t := range contacts.HubTypes {
		types[i] = string(t)
	}
	if !slices.Contains(types, f.hubType) {
		return usagef(didYouMean(f.hubType, types)+"There are "+strings.Join(types, ", ")+".", "--hub-type %q is no type of a hub", f.hubType)
	}
	return nil
}

// options are how rows become contacts.
func (f *pushFlags) options(clock pipeline.Clock) (contacts.Options, error) {
	o := contacts.Options{
		HubType: contacts.HubType(f.hubType), Delivery: f.key.Delivery, Maps: f.maps, Timezone: f.zone,
		Country: strings.ToUpper(strings.TrimSpace(f.country)), AllowPast: f.way.past, Now: clock,
	}
	var err error
	if f.hours != "" {
		o.Hours, err = contacts.ParseHours(f.hours)
	}
	return o, err
}

// push carries out lists and leads.
func (a *app) push(cmd *cobra.Command, f *pushFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	defer a.collectOften(25)()
	ctx := cmd.Context()
	s, err := a.configure()
	if err != nil {
		return err
	}
	if s.push.Key == "" {
		return &faultsError{[]pipeline.ConfigError{config.PushKeyMissing()}}
	}
	t, err := s.outbound(f.account)
	if err != nil {
		return err
	}
	f.key.Account = t.Account
	clock, err := a.clock()
	if err != nil {
		return err
	}
	o, err := f.options(clock)
	if err != nil {
		return err
	}
	hub, err := t.hub(connectors.Options{Clock: clock, Now: a.now, RetryFor: s.RetryFor, Warn: s.warnOf(t)})
	if err != nil {
		return err
	}
	ledger, err := a.openPushLedger(ctx, s)
	if err != nil {
		return err
	}
	p := &push.Push{
		Ledger: ledger, Hub: hub, Key: f.key, Hasher: push.NewHasher(s.push.Key), Country: o.Country, Batch: f.batch, Resend: f.way.resend,
		Pace: push.Pace{RetryFor: s.RetryFor, Grace: answerGrace, Others: othersFor}, Now: a.now, Tell: func(text string) { s.log.Info(text) },
		Names: push.Names{Key: config.Prefix + "PUSH_KEY", Ledger: config.Prefix + "PUSH_LEDGER", Country: "--country", RetryFor: config.Prefix + "RETRY_FOR"},
	}
	err = a.pushInput(ctx, s, p, f, o)
	if closed := ledger.Close(); err == nil {
		err = closed
	}
	return err
}

// watchedHub keeps track of whether the outcome of a batch is unknown, for a process that is ended at once.
type watchedHub struct {
	push.Hub
	unknown *atomic.Bool
	stays   bool // of an earlier batch
}

// Wait implements [push.Hub]. What became of the batch before is noted by now.
func (h *watchedHub) Wait(ctx context.Context) error {
	h.unknown.Store(h.stays)
	return h.Hub.Wait(ctx)
}

// Send implements [push.Hub].
func (h *watchedHub) Send(ctx context.Context, k push.Key, b push.Batch) push.Outcome {
	h.unknown.Store(true)
	out := h.Hub.Send(ctx, k, b)
	h.stays = h.stays || out.Event == push.Uncertain
	return out
}

// collectOften has the collector come whenever so much was added to what is live, until the end of a verb: of short-lived
// things, of which little is kept.
func (a *app) collectOften(percent int) (end func()) {
	if !a.softMemory {
		return func() {}
	}
	before := debug.SetGCPercent(percent)
	return func() { debug.SetGCPercent(before) }
}

// outbound is the account whose hubs are pushed to.
func (s *setup) outbound(account string) (*tenant, error) {
	var all []*tenant
	var names []string
	for _, t := range s.tenants {
		if t.hub != nil {
			all, names = append(all, t), append(names, string(t.Account))
		}
	}
	list := "Configured accounts: " + strings.Join(names, ", ")
	switch {
	case len(all) == 0:
		return nil, usagef("Set WINDROW_UCONTACT_TOKEN, WINDROW_UCONTACT_URL and WINDROW_UCONTACT_TIMEZONE.", "uContact is not configured")
	case account == "" && len(all) == 1:
		return all[0], nil
	case account == "":
		return nil, usagef(list, "several accounts are configured: --account says whose hub it is")
	}
	if i := slices.Index(names, account); i >= 0 {
		return all[i], nil
	}
	return nil, usagef(didYouMean(account, names)+list+".", "--account names %q, which is no account", account)
}

// openPushLedger opens the send ledger.
func (a *app) openPushLedger(ctx context.Context, s *setup) (push.Ledger, error) {
	waiting := func(holder string) {
		s.log.Warn("another process is writing to the send ledger; waiting for it to end", "holder", holder)
	}
	if objectstore.Is(s.push.Ledger) {
		o, err := a.besides(s, s.push.Ledger, waiting)
		if err != nil {
			return nil, err
		}
		return ledgerInBucket(ctx, s.push.Ledger, o)
	}
	if s.push.Ledger != "" {
		return pushledger.Open(s.push.Ledger, pushledger.Options{Now: a.now, RetryFor: s.RetryFor, Waiting: waiting})
	}
	if s.target.ledger == nil {
		return nil, &faultsError{[]pipeline.ConfigError{{Variable: config.Prefix + "PUSH_LEDGER", Problem: "is required: the sink keeps no send ledger", Example: "/var/lib/windrow-push"}}}
	}
	return s.target.ledger(ctx, sinkOptions{address: s.Sink, now: a.now, emulator: s.target.emulator, retryFor: s.RetryFor, waiting: waiting})
}

// pushInput reads the contacts, and sends them where everything is as it should be.
func (a *app) pushInput(ctx context.Context, s *setup, p *push.Push, f *pushFlags, o contacts.Options) error {
	suppressed, err := intake.Suppressed(ctx, f.suppress, o.Country)
	if err != nil {
		return err
	}
	in, err := intake.Open(ctx, f.from, intake.Options{Options: o, Stdin: os.Stdin, Query: queryContacts, Object: func(ctx context.Context, address string) (intake.Body, error) {
		return a.objectOfContacts(ctx, s, address)
	}})
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // it was read
	result := show.Pushed{ID: string(pipeline.NewSyncID(a.now())), Key: p.Key, DryRun: f.way.dryRun}
	sieve := push.Sieve{Suppressed: suppressed.Has}
	var rejects *intake.Rejects
	if !f.way.dryRun {
		read := append([]string{strings.TrimPrefix(f.from, "file://")}, f.suppress...)
		if rejects, err = intake.NewRejects(cmp.Or(f.rejects, intake.RejectsName(f.from)), in.Comma, read...); err != nil {
			return err
		}
		defer rejects.Abort()
		sieve.Refused = rejects.Add
	}
	watched := &watchedHub{Hub: p.Hub, unknown: &a.unknown}
	p.Hub = watched
	prepared, err := p.Prepare(ctx, in, sieve)
	if err != nil && prepared != nil && ctx.Err() != nil {
		return errors.Join(err, exitWith(exitStopped(prepared.Told())))
	}
	if err != nil {
		return err
	}
	if rejects != nil {
		if result.Rejects, err = rejects.Close(in.Columns()); err != nil {
			return err
		}
	}
	result.Shown, result.Ignored, result.Report = prepared.Shown, in.Ignored(), prepared.Told()
	watched.stays = result.Report.Unknown > 0
	a.unknown.Store(watched.stays)
	err = a.send(ctx, prepared, f, &result)
	return errors.Join(a.showPushed(s, f, result), err, exitWith(result.Exit))
}

// send sends the contacts, unless it is a dry run or something keeps them from being sent. It sets the result's exit code.
func (a *app) send(ctx context.Context, prepared *push.Prepared, f *pushFlags, result *show.Pushed) error {
	refuse := func(code int, err error) error {
		result.Exit = code
		return err
	}
	n, told := prepared.Counts.ToSend, prepared.Told()
	if share := prepared.RefusedShare(); share > f.maxRefused {
		told.Refused = true
		return refuse(told.Exit(), usagef("Correct the mapping, or raise --max-refused.", "%.0f %% of the rows are refused, more than the %.0f %% of --max-refused: nothing is sent", share*100, f.maxRefused*100))
	}
	if f.most >= 0 && n > f.most {
		return refuse(pipeline.ExitInvalid, usagef("", "%d contacts are to be sent, more than --max %d: nothing is sent", n, f.most))
	}
	if f.way.dryRun {
		if result.Report.Unknown > 0 {
			result.Exit = pipeline.ExitUnknown
		}
		return nil
	}
	if n > needsWord && !f.way.yes {
		switch err := a.confirm(ctx, prepared, f); {
		case ctx.Err() != nil:
			return refuse(exitStopped(told), err)
		case err != nil:
			return refuse(exitCode(err), err)
		}
	}
	report, err := prepared.Send(ctx)
	a.unknown.Store(report.Exit() == pipeline.ExitUnknown)
	result.Report, result.Exit = report, report.Exit()
	if err != nil && report.Unknown == 0 {
		result.Exit = exitCode(err)
	}
	if err == nil && pipeline.KindOf(report.Stop) != pipeline.Stopped { // a signal was told
		err = report.Stop
	}
	return err
}

// exitStopped is the exit code of a push that a signal ended before anything was sent: what is unknown outweighs it.
func exitStopped(r push.Report) int {
	r.Stop = &pipeline.Error{Op: "push", Kind: pipeline.Stopped, Err: context.Canceled}
	return r.Exit()
}

// confirm asks for a word where people watch, and refuses elsewhere.
func (a *app) confirm(ctx context.Context, prepared *push.Prepared, f *pushFlags) error {
	n := prepared.Counts.ToSend
	if f.from == "-" || !a.terminal || !term.IsTerminal(int(os.Stdin.Fd())) {
		return usagef("Try --dry-run first; then say --yes.", "%d contacts are to be sent, and more than %d need a word", n, needsWord)
	}
	c := prepared.Counts
	again := ""
	if f.way.resend && c.Changed > 0 {
		again = fmt.Sprintf(" (%d of them again, with another content)", c.Changed)
	}
	fmt.Fprintf(a.stderr, "%s to the hub %q: %q\n%d to be sent%s, %d already sent, %d unknown, %d refused, %d duplicates, %d suppressed\nthe first of them: %s\nSend them? Type yes: ",
		f.key.Delivery, f.key.Hub, f.key.Name, n, again, c.AlreadySent, c.Unknown, c.Refused, c.Duplicate, c.Suppressed, show.MaskedAddress(prepared.Example))
	answer := make(chan string, 1)
	go func() { // it ends with the line, or with the process
		line, _ := bufio.NewReader(os.Stdin).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case word := <-answer:
		if word == "yes" || word == "y" {
			return nil
		}
	}
	return usagef("", "that was no yes: nothing is sent")
}

// showPushed prints the result. Where programs read it, people read on stderr what rows are wrong.
func (a *app) showPushed(s *setup, f *pushFlags, result show.Pushed) error {
	if !f.way.asJSON {
		return show.Push(a.stdout, result)
	}
	if len(result.Ignored) > 0 {
		s.log.Warn("columns that map to nothing are left out", "columns", strings.Join(result.Ignored, ","))
	}
	for _, r := range result.Shown {
		s.log.Warn(show.RefusedRow(r))
	}
	return show.PushJSON(a.stdout, result)
}
