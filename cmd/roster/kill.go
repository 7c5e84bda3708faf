package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/roster-go/roster/cmd/roster/internal/api"
	"github.com/roster-go/roster/kill"
)

const targetHelp = `A target is one of

  capability/NAME           all that serve the capability
  plugin/NAME               the plugin in every version
  plugin/NAME@VERSION       one version of it
  entry/REGISTRY/NAME       an entry of a registry
  instance/SERVICE/ID       one instance of a service
  namespace/NAME            all records of a namespace
`

func newKill(address *addressFlag) *cobra.Command {
	k := killing{address: address}
	cmd := &cobra.Command{
		Use:   "kill TARGET --reason TEXT",
		Short: "Keep something from being used, everywhere and now",
		Long: `Kill a target in every region: nothing resolves to it any more, and nothing that arrives
late brings it back. The order goes to the hub of every region and to every runtime, which
keep it on disk before they acknowledge. Progress is printed on standard error. The command
ends when all have acknowledged; if it is interrupted, or --wait is over, it says who has
not, and the order is spread on.

` + targetHelp + `
Killing the last implementation is refused without --force.

` + exitCodesHelp,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return k.run(cmd, args[0]) },
	}
	k.add(cmd)
	cmd.Flags().BoolVar(&k.request.Force, "force", false, "kill also the last implementation, without counting first")
	cmd.Flags().BoolVar(&k.request.DryRun, "dry-run", false, "kill nothing, and count what would be hit")
	cmd.AddCommand(newKillForget(address))
	return cmd
}

func newRevive(address *addressFlag) *cobra.Command {
	k := killing{address: address}
	k.request.Revive = true
	cmd := &cobra.Command{
		Use:   "revive TARGET --reason TEXT",
		Short: "End a kill",
		Long: `Let a target that was killed be used again, everywhere. It is an order like a kill, of a higher
epoch, and needs a reason of its own.

` + targetHelp + "\n" + exitCodesHelp,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return k.run(cmd, args[0]) },
	}
	k.add(cmd)
	return cmd
}

func newKillForget(address *addressFlag) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "forget RUNTIME",
		Short: "Wait no more for a runtime that is known to be gone",
		Long: `A runtime that does not answer may well run on, so every kill waits for it. When it is certain
that it runs no more, forget it; roster ls runtimes lists them. The hub of the daemon's region
forgets it: one that was with the hub of another region for a while is listed there as well,
and has to be forgotten there, too.

` + exitCodesHelp,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newClient(address)
			if err != nil {
				return err
			}
			req, err := http.NewRequestWithContext(cmd.Context(), http.MethodDelete, c.url(api.RuntimesPath+"/"+url.PathEscape(args[0])), http.NoBody)
			if err != nil {
				return fmt.Errorf("the request: %w", err)
			}
			if _, _, err := c.do(req); err != nil {
				return err
			}
			return printOut(cmd.OutOrStdout(), fmt.Appendf(nil, "%s is forgotten\n", args[0]))
		},
	}
	address.add(cmd)
	return cmd
}

// killing is what kill and revive have in common.
type killing struct {
	address *addressFlag
	format  formatFlag
	request kill.Request
}

func (k *killing) add(cmd *cobra.Command) {
	k.address.add(cmd)
	k.format.add(cmd)
	cmd.Flags().StringVar(&k.request.Reason, "reason", "", "`TEXT` that says why; needed unless it is a dry run")
	cmd.Flags().StringVar(&k.request.By, "by", operatorName(), "`NAME` of who orders it")
	cmd.Flags().DurationVar(&k.request.Wait, "wait", 0, "`TIME` to wait for acknowledgements (default until all are there)")
}

// operatorName is who runs this program, as far as the system says.
func operatorName() string {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	return name
}

func (k *killing) run(cmd *cobra.Command, target string) error {
	asJSON, err := k.format.json()
	if err != nil {
		return err
	}
	if k.request.Target, err = kill.ParseTarget(target); err != nil {
		return usageError{err}
	}
	if strings.TrimSpace(k.request.Reason) == "" && !k.request.DryRun {
		return usageError{fmt.Errorf("%s needs --reason TEXT: everybody whom it hits will ask", cmd.CommandPath())}
	}
	c, err := newClient(k.address)
	if err != nil {
		return err
	}
	last, err := k.order(cmd.Context(), c, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	if asJSON {
		text, err := json.MarshalIndent(last.Report, "", "  ")
		if err != nil {
			return fmt.Errorf("the report: %w", err)
		}
		if err := printOut(cmd.OutOrStdout(), append(text, '\n')); err != nil {
			return err
		}
	} else if err := printOut(cmd.OutOrStdout(), reportText(last.Report, last.Error)); err != nil {
		return err
	}
	if last.Error != nil {
		return &orderError{*last.Error}
	}
	return nil
}

// order sends the request and prints progress until there is a report. If it is interrupted, the
// error says how far it came.
func (k *killing) order(ctx context.Context, c *client, notes io.Writer) (api.KillLine, error) {
	body, err := json.Marshal(k.request)
	if err != nil {
		return api.KillLine{}, usageError{err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url(api.KillsPath), bytes.NewReader(body))
	if err != nil {
		return api.KillLine{}, fmt.Errorf("the request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	answer, err := c.open(req)
	if err != nil {
		return api.KillLine{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	if problem := answer.Header.Get(api.AuditProblemHeader); problem != "" {
		_, _ = fmt.Fprintf(notes, "roster: the order goes out, and is not in the audit log: %s\n", problem)
	}
	lines := bufio.NewReader(answer.Body)
	seen := missing{hubs: make(map[string]kill.State), runtimes: make(map[string]kill.State)}
	for {
		text, err := lines.ReadBytes('\n')
		if err != nil {
			return api.KillLine{}, &interruptedOrderError{k.request, seen, cause(err)}
		}
		var line api.KillLine
		if err := json.Unmarshal(text, &line); err != nil {
			return api.KillLine{}, fmt.Errorf("the daemon's answer: %w", err)
		}
		if line.Report != nil {
			return line, nil
		}
		if line.Progress != nil {
			seen.note(line.Progress)
			printProgress(notes, *line.Progress)
		}
	}
}

func printProgress(w io.Writer, p kill.Progress) {
	var text strings.Builder
	fmt.Fprintf(&text, "%6d ms  %s: %s", p.Elapsed.Milliseconds(), p.Region, p.State)
	if p.Err != "" {
		fmt.Fprintf(&text, " (%s)", p.Err)
	}
	counts := make(map[kill.State]int)
	for i := range p.Runtimes {
		counts[p.Runtimes[i].State]++
	}
	for _, state := range []kill.State{kill.Acked, kill.Pending, kill.Unreachable, kill.Expired, kill.Left} {
		if n := counts[state]; n > 0 {
			fmt.Fprintf(&text, ", %d %s", n, state)
		}
	}
	_, _ = fmt.Fprintf(w, "%s, waiting for %d\n", text.String(), p.Waiting)
}

// reportText is a report for people.
func reportText(r *kill.Report, problem *api.ErrorDetail) []byte {
	var b bytes.Buffer
	if r.DryRun {
		fmt.Fprintf(&b, "%s would hit %s; %s asked, %d did not answer\n",
			r.Order.Target, counted(r.Impact.Providers, "implementation", "implementations"),
			counted(r.Asked, "runtime was", "runtimes were"), r.Silent)
		for _, name := range r.Impact.Names {
			fmt.Fprintf(&b, "  %s\n", name)
		}
		if len(r.Last) > 0 {
			fmt.Fprintf(&b, "without another implementation: %s\n", strings.Join(r.Last, ", "))
		}
		if len(r.Deaf) > 0 {
			fmt.Fprintf(&b, "not asked, since not reached: %s\n", strings.Join(r.Deaf, ", "))
		}
		return b.Bytes()
	}
	if r.Order.Epoch == 0 { // nothing was ordered
		return nil
	}
	verb := "killed"
	if r.Order.Revived {
		verb = "revived"
	}
	fmt.Fprintf(&b, "%s %s, epoch %d\n", verb, r.Order.Target, r.Order.Epoch)
	for i := range r.Regions {
		region := &r.Regions[i]
		fmt.Fprintf(&b, "%s: hub %s%s", region.Region, region.State, durability(region.State, region.Durable))
		if region.Err != "" {
			fmt.Fprintf(&b, " (%s)", region.Err)
		}
		b.WriteByte('\n')
		for j := range region.Runtimes {
			runtime := &region.Runtimes[j]
			fmt.Fprintf(&b, "  %s %s%s", runtime.ID, runtime.State, durability(runtime.State, runtime.Durable))
			if runtime.State != kill.Acked && !runtime.Seen.IsZero() {
				fmt.Fprintf(&b, ", last seen %s", runtime.Seen.Local().Format(time.DateTime)) //nolint:gosmopolitan // the reader's own clock
			}
			b.WriteByte('\n')
		}
	}
	if r.Asked > 0 && r.Impact.Providers == 0 && r.Order.Target.Kind != kill.KindNamespace {
		fmt.Fprintf(&b, "nothing that runs now is hit: if something should be, check the name\n")
	}
	if problem == nil {
		fmt.Fprintf(&b, "acknowledged by all after %d ms\n", r.Took.Milliseconds())
		if !r.Durable && !r.Order.Revived {
			b.WriteString("not on the disk of all: those marked would use it again after a restart without a network; see to their disks\n")
		}
	}
	return b.Bytes()
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// durability says what an acknowledgement is worth.
func durability(state kill.State, durable bool) string {
	if state != kill.Acked || durable {
		return ""
	}
	return ", not on disk"
}

// An orderError is what became of an order, in the daemon's words.
type orderError struct{ detail api.ErrorDetail }

func (e *orderError) Error() string { return e.detail.Message }

func (e *orderError) exitCode() int {
	switch e.detail.Code {
	case "deadline_exceeded":
		return exitIncomplete
	case "unavailable":
		return exitUnavailable
	case "invalid_argument":
		return exitUsage
	default:
		return exitRefused
	}
}

// missing is who has not acknowledged, as far as progress has told.
type missing struct {
	hubs, runtimes map[string]kill.State
	waiting        int // those included that progress has not named
}

func (m *missing) note(p *kill.Progress) {
	m.hubs[p.Region], m.waiting = p.State, p.Waiting
	for i := range p.Runtimes {
		r := &p.Runtimes[i]
		if m.runtimes[r.ID] != kill.Acked { // one may be known to several hubs
			m.runtimes[r.ID] = r.State
		}
	}
}

// String names those that are known.
func (m *missing) String() string {
	var who []string
	for _, region := range slices.Sorted(maps.Keys(m.hubs)) {
		if m.hubs[region] != kill.Acked {
			who = append(who, "the hub of region "+region)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(m.runtimes)) {
		if state := m.runtimes[id]; state != kill.Acked && state != kill.Left {
			who = append(who, fmt.Sprintf("%s (%s)", id, state))
		}
	}
	const enough = 10
	if more := max(m.waiting, len(who)) - min(len(who), enough); more > 0 {
		who = append(who[:min(len(who), enough)], fmt.Sprintf("%d more", more))
	}
	return cmp.Or(strings.Join(who, ", "), "nobody that is known yet")
}

// An interruptedOrderError reports that it is not known how far an order came.
type interruptedOrderError struct {
	request kill.Request
	missing missing
	err     error
}

func (e *interruptedOrderError) Error() string {
	return fmt.Sprintf("the report about %s has ended before all had acknowledged (missing: %s): %v; "+
		"the order is spread on if the hub took it: see roster ls kills and roster ls runtimes", e.request.Target, &e.missing, e.err)
}

func (e *interruptedOrderError) Unwrap() error { return e.err }
