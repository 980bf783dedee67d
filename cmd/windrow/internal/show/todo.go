package show

import (
	"fmt"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/plan"
	"github.com/windrow-data/windrow/pipeline/report"
)

// ToDo lists what a person should do about the streams, with the commands to type. plans may lack streams.
func ToDo(states []plan.StreamStatus, plans []pipeline.PlannedStream) []report.Task {
	var list []report.Task
	for _, s := range states {
		add := func(what, command string) {
			list = append(list, report.Task{Stream: s.Stream, Account: s.Account, What: what, Command: command})
		}
		if s.Failed != nil {
			add(fmt.Sprintf("the window %s failed and holds the watermark back. Every sync reads it again; to give it up:", localSpan(*s.Failed)), waiveCommand(s.Stream, s.Failed.Span))
		}
		for _, h := range s.Holes {
			add(fmt.Sprintf("no window covers %s, and the vendor cannot be asked for it alone. To let the watermark pass:", h), waiveCommand(s.Stream, h))
		}
		for _, a := range s.Asked {
			add(fmt.Sprintf("the vendor was asked for the window %s, and nothing has come yet. To give it up:", pipeline.Span{Start: a.WindowStart, End: a.WindowEnd}),
				waiveCommand(s.Stream, pipeline.Span{Start: a.WindowStart, End: a.WindowEnd}))
		}
		if !s.Configured && !s.LeftOut && s.Open > 0 {
			add(fmt.Sprintf("no configured source reads it, and %s open", isOpen(s.Open)), "")
		}
	}
	for _, p := range plans {
		if len(p.Changed) == 0 {
			continue
		}
		k, command := p.Stream.Key, refetchCommand(p.Stream.Key.Stream, p.Changed)
		if len(p.Replayable) == len(p.Changed) {
			command = replayCommand(p.Stream.Key.Stream, p.Replayable)
		}
		list = append(list, report.Task{Stream: k.Stream, Account: k.Account, What: fmt.Sprintf("%s read under other settings. To renew them:", plural(len(p.Changed), "settled window")+were(len(p.Changed))), Command: command})
	}
	return list
}

func isOpen(n int) string {
	if n == 1 {
		return "1 window is"
	}
	return thousands(n) + " windows are"
}

func were(n int) string {
	if n == 1 {
		return " was"
	}
	return " were"
}
