package chattonic

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/windrow-data/windrow/connectors/internal/httpclient"
	"github.com/windrow-data/windrow/pipeline"
)

const checkLimit = 64 << 20 // of one answer to a check; it lists every operator

var _ pipeline.Prover = (*Source)(nil)

// Check logs in where it has to, and asks for the operators of the last whole hour.
func (s *Source) Check(ctx context.Context) error {
	end := pipeline.InstantOf(s.opt.Clock().Truncate(time.Hour))
	span := pipeline.Span{Start: end.Add(-time.Hour), End: end}
	var answer struct {
		Status    bool `json:"status"`
		Operators any  `json:"operators"`
	}
	operators, _ := endpointOf(Operators)
	said := ""
	err := s.withAccess(ctx, nil, func(a access) (err error) {
		call := s.call(a, operators, span)
		call.NoRetry, call.MaxBody = true, checkLimit
		said, err = s.client.Ask(ctx, call, &answer)
		return err
	})
	if err != nil {
		return s.advise(err)
	}
	if _, ok := answer.Operators.([]any); !ok || !answer.Status {
		return httpclient.NotTheAnswer("GET "+operators.path, "the answer is not a list of operators", said,
			fmt.Sprintf("check %sURL and %sCODENAME", s.set.prefix, s.set.prefix))
	}
	return nil
}

// Prove does Check, and asks for the dashboard's last whole interval where its
// stream is read.
func (s *Source) Prove(ctx context.Context, streams []pipeline.StreamID) []pipeline.Proof {
	proofs := []pipeline.Proof{{Err: s.Check(ctx)}}
	if proofs[0].Err == nil && slices.Contains(streams, Dashboard) {
		proofs = append(proofs, pipeline.Proof{What: "dashboard", Err: s.checkDashboard(ctx)})
	}
	if proofs[0].Err == nil && s.inbox != nil && slices.Contains(streams, NPS) {
		proofs = append(proofs, s.proveInbox(ctx))
	}
	return proofs
}

// inboxSpan is how far back a check looks into a mailbox.
const inboxSpan = 30 * 24 * time.Hour

// proveInbox looks into the inbox, and counts the exports that a sync would take.
func (s *Source) proveInbox(ctx context.Context) pipeline.Proof {
	proof := pipeline.Proof{What: "nps inbox"}
	view, done, err := s.inbox.look(ctx, pipeline.InstantOf(s.opt.Clock().Add(-inboxSpan)), nil, nil)
	if err != nil {
		proof.Err = err
		return proof
	}
	defer done()
	taken := 0
	for _, e := range view.exports {
		switch why := e.homeless(pipeline.NoInstant, pipeline.InstantOf(s.opt.Clock())); {
		case e.err != nil:
			proof.Warnings = append(proof.Warnings, e.String()+": "+why)
		case e.first != pipeline.NoInstant:
			taken++
		}
	}
	proof.Note = fmt.Sprintf("%s has %s with dated answers, of %d", s.inbox.place, pipeline.Counted(taken, "file"), len(view.exports))
	return proof
}

func (s *Source) checkDashboard(ctx context.Context) error {
	begun := s.set.grain.Window(pipeline.InstantOf(s.opt.Clock())).Start
	span := s.set.grain.Window(begun.Add(-time.Second))
	dashboard, _ := endpointOf(Dashboard)
	var answer json.RawMessage
	said := ""
	err := s.withAccess(ctx, nil, func(a access) (err error) {
		call := s.call(a, dashboard, span)
		call.MaxBody = checkLimit
		said, err = s.client.Ask(ctx, call, &answer)
		return err
	})
	if err != nil {
		return s.advise(err)
	}
	var rows []json.RawMessage
	if json.Unmarshal(answer, &rows) != nil {
		return httpclient.NotTheAnswer("GET "+dashboard.path, "the answer is not a list of intervals", said,
			fmt.Sprintf("check %[1]sURL and %[1]sCODENAME; WINDROW_STREAMS without %[2]s leaves the dashboard out", s.set.prefix, Dashboard))
	}
	return nil
}
