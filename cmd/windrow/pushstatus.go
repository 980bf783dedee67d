package main

import (
	"context"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/pipeline/push"
)

// withPushLedger lends the send ledger to a verb that needs no vendor.
func (a *app) withPushLedger(ctx context.Context, do func(push.Ledger) error) error {
	defer a.collectOften(25)()
	s, err := a.configureSink()
	if err != nil {
		return err
	}
	ledger, err := a.openPushLedger(ctx, s)
	if err != nil {
		return err
	}
	err = do(ledger)
	if closed := ledger.Close(); err == nil {
		err = closed
	}
	return err
}

func (a *app) pushStatusCommand() *cobra.Command {
	var hub, name, key string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "status", Short: "Where each push stands, by contacts", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			changed := cmd.Flags().Changed
			if changed("name") && changed("key") {
				return usagef("", "--name is of lists, and --key of leads: one of the two")
			}
			return a.withPushLedger(cmd.Context(), func(l push.Ledger) error {
				all, err := push.Summaries(cmd.Context(), l, func(k push.Key) bool {
					return (!changed("hub") || k.Hub == strings.TrimSpace(hub)) &&
						(!changed("name") || k.Delivery == push.Lists && k.Name == pushName(name)) &&
						(!changed("key") || k.Delivery == push.Leads && k.Name == pushName(key))
				})
				if err != nil {
					return err
				}
				if asJSON {
					return show.PushStatusJSON(a.stdout, all)
				}
				return show.PushStatus(a.stdout, all)
			})
		},
	}
	cmd.Flags().StringVar(&hub, "hub", "", "of this hub alone")
	cmd.Flags().StringVar(&name, "name", "", "of the list of this name alone")
	cmd.Flags().StringVar(&key, "key", "", "of the leads of this key alone")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (a *app) pushResolveCommand() *cobra.Command {
	var batch, reason string
	var sent, notSent, asJSON bool
	cmd := &cobra.Command{
		Use: "resolve", Short: "Lists batches whose outcome is unknown, and takes an operator's word on one", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			reason = strings.TrimSpace(reason)
			word := push.OperatorSent
			if notSent {
				word = push.OperatorNotSent
			}
			switch said := batch != "" || reason != "" || sent || notSent; {
			case said && (batch == "" || reason == "" || sent == notSent):
				return usagef("For example --batch 1f0c2a3b4d-12 --sent --reason \"it is in the portal\".", "a word needs --batch, --reason, and one of --sent and --not-sent")
			case strings.ContainsFunc(reason, unicode.IsControl):
				return usagef("", "--reason holds a control character")
			case said:
				return a.withPushLedger(cmd.Context(), func(l push.Ledger) error { return a.resolve(cmd.Context(), l, batch, word, reason, asJSON) })
			}
			return a.withPushLedger(cmd.Context(), func(l push.Ledger) error {
				all, err := push.UnknownBatches(cmd.Context(), l)
				if err != nil {
					return err
				}
				if asJSON {
					return show.UnknownJSON(a.stdout, all)
				}
				return show.Unknown(a.stdout, all)
			})
		},
	}
	cmd.Flags().StringVar(&batch, "batch", "", "the batch's id")
	cmd.Flags().BoolVar(&sent, "sent", false, "the vendor has taken it")
	cmd.Flags().BoolVar(&notSent, "not-sent", false, "the vendor has not taken it: its contacts may be sent again")
	cmd.Flags().StringVar(&reason, "reason", "", "how you know")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// resolve notes an operator's word.
func (a *app) resolve(ctx context.Context, l push.Ledger, batch string, word push.Event, reason string, asJSON bool) error {
	b, err := push.Resolve(ctx, l, batch, word, reason, a.now())
	if err != nil {
		return err
	}
	if asJSON {
		return show.ResolvedJSON(a.stdout, b)
	}
	return show.Resolved(a.stdout, b)
}
