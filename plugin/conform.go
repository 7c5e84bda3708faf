package plugin

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster"
	pluginv1 "github.com/roster-go/roster/plugin/gen/roster/plugin/v1"
)

// A Finding is what one check of [Conform] found.
type Finding struct {
	Check   string // for example "describe"
	OK      bool
	Skipped bool   // it does not apply to this plugin
	Detail  string // what was seen
	Fix     string // what to do if it is not OK
}

// Conform drives the program of a descriptor through the protocol as a host does, and
// through what happens to a host in a bad hour, and says what the program does wrong.
// The descriptor needs no name, API version or capabilities: the program tells them.
// Its config is what Init gets. Functions are called with input that none can expect,
// which must not harm the program.
//
// The error is that of a descriptor that cannot be used, or ctx's; what the program
// does wrong is among the findings.
func Conform(ctx context.Context, d Descriptor) ([]Finding, error) {
	d.Name = cmp.Or(d.Name, "checked")
	d.Source = cmp.Or(d.Source, "roster plugin check")
	d.APIVersion = cmp.Or(d.APIVersion, "v1")
	if len(d.Capabilities) == 0 {
		d.Capabilities = []Capability{{Name: "checked"}}
	}
	d, err := d.normalized()
	if err != nil {
		return nil, err
	}
	if d.kind() != Plugin || d.foreign() || !d.hasProgram() {
		return nil, d.fault("command", "only programs that speak the protocol of Roster can be checked", "describe one with command and without go_plugin")
	}
	h, err := NewHost(Options{Directory: roster.NewDirectory()})
	if err != nil {
		return nil, err
	}
	defer func() { _ = h.Close(context.WithoutCancel(ctx)) }()
	c := &conformance{host: h, d: d}
	c.run(ctx)
	return c.findings, ctx.Err()
}

// Bounds of the checks.
const (
	checkCall    = 10 * time.Second
	checkEnd     = 5 * time.Second // for a process to end by itself
	checkCallers = 32
	checkLarge   = 8 << 20 // bytes of a large input
)

// A conformance is one run of the checks.
type conformance struct {
	host     *Host
	d        Descriptor
	findings []Finding
}

func (c *conformance) ok(check, detail string) {
	c.findings = append(c.findings, Finding{Check: check, OK: true, Detail: detail})
}

func (c *conformance) skip(check, detail string) {
	c.findings = append(c.findings, Finding{Check: check, OK: true, Skipped: true, Detail: detail})
}

func (c *conformance) bad(check, detail, fix string) {
	c.findings = append(c.findings, Finding{Check: check, Detail: detail, Fix: fix})
}

// judge records a check whose failure is an error.
func (c *conformance) judge(check string, err error, seen, fix string) bool {
	if err != nil {
		c.bad(check, oneLine(err.Error()), fix)
		return false
	}
	c.ok(check, seen)
	return true
}

func (c *conformance) run(ctx context.Context) {
	c.alone(ctx)
	p, l, err := c.start(ctx)
	if !c.judge("handshake", err, "it listens on the socket that it was told to",
		"print one line 1|1|unix|SOCKET|grpc, with a socket in $PLUGIN_UNIX_SOCKET_DIR") {
		return
	}
	if c.describe(ctx, p) && c.initialise(ctx, p) {
		c.serving(ctx, p)
	}
	c.shutdown(ctx, p, l)
	c.orphaned(ctx)
}

// alone starts the program without a host.
func (c *conformance) alone(ctx context.Context) {
	const check, fix = "without a host", "compare $ROSTER_PLUGIN_COOKIE first, and exit with 1 and a line that says how to use the program"
	ctx, cancel := context.WithTimeout(ctx, checkEnd)
	defer cancel()
	program, err := filepath.Abs(c.d.program())
	if err != nil {
		c.bad(check, oneLine(err.Error()), fix)
		return
	}
	cmd := exec.CommandContext(ctx, program, c.d.Command[1:]...)
	cmd.Dir, cmd.Env = c.d.Dir, hostEnvironment()
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	exit, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case ctx.Err() != nil:
		c.bad(check, fmt.Sprintf("it still ran after %s", checkEnd), fix)
	case err == nil:
		c.bad(check, "it ended as if all were well", fix)
	case !exited:
		c.bad(check, oneLine(err.Error()), "check that it is a program for this system")
	case len(bytes.TrimSpace(out)) == 0:
		c.bad(check, "it ended with "+exit.String()+" and said nothing", fix)
	default:
		c.ok(check, "it ends with "+exit.String()+" and says: "+shortened(oneLine(string(out)), shownName))
	}
}

func (c *conformance) start(ctx context.Context) (*process, *launcher, error) {
	exe, err := openExecutable(c.d)
	if err != nil {
		return nil, nil, err
	}
	defer exe.close()
	sandbox, err := c.d.Sandbox.located(c.d, c.d.fault)
	if err != nil {
		return nil, nil, err
	}
	l := &launcher{host: c.host, d: c.d, log: c.host.log, exe: exe, sandbox: sandbox, output: &lineLog{log: c.host.log}}
	ctx, cancel := context.WithTimeout(ctx, c.host.startTimeout)
	defer cancel()
	config, addr, err := l.start(ctx)
	if err == nil {
		var p *process
		if p, err = l.dial(config, addr); err == nil {
			return p, l, nil
		}
	}
	if l.runner != nil {
		l.runner.kill()
	}
	return nil, nil, err
}

// describe checks what the program tells of itself.
func (c *conformance) describe(ctx context.Context, p *process) bool {
	ctx, cancel := context.WithTimeout(ctx, checkCall)
	defer cancel()
	declared, err := p.plugin.Describe(ctx, &pluginv1.DescribeRequest{})
	if !c.judge("describe", err, "it tells its name, versions and capabilities", "serve roster.plugin.v1.PluginService/Describe, before Init") {
		return false
	}
	p.declared = declared
	const fix = "correct the answer of Describe"
	var wrong []string
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if declared.GetName() == "" || declared.GetVersion() == "" {
		complain("it has no name or no version")
	}
	if declared.GetApiVersion() == "" {
		complain("it has no api_version")
	}
	if len(declared.GetCapabilities()) == 0 {
		complain("it has no capabilities")
	}
	seen := map[string]bool{}
	for _, capability := range declared.GetCapabilities() {
		name := capability.GetName()
		if problem := nameFault(name, maxCapabilityName); problem != "" {
			complain("capability: %s", problem)
		}
		if seen[name] {
			complain("capability %q is there twice", name)
		}
		seen[name] = true
		if capability.GetKind() == pluginv1.Kind_KIND_SERVICE && capability.GetService() == "" {
			complain("capability %q is a service and names none", name)
		}
		for what, schema := range map[string][]byte{"input": capability.GetInputSchema(), "output": capability.GetOutputSchema()} {
			if len(schema) == 0 {
				continue
			}
			if _, err := compileSchema(schema); err != nil {
				complain("the schema of %s's %s: %s", name, what, oneLine(err.Error()))
			}
		}
	}
	if len(declared.GetConfigSchema()) > 0 {
		if _, err := compileSchema(declared.GetConfigSchema()); err != nil {
			complain("the schema of the config: %s", oneLine(err.Error()))
		}
	}
	if wrong != nil {
		c.bad("declaration", strings.Join(wrong, "; "), fix)
		return true
	}
	c.ok("declaration", fmt.Sprintf("%s %s, api_version %s, %d capabilities",
		declared.GetName(), declared.GetVersion(), declared.GetApiVersion(), len(declared.GetCapabilities())))
	return true
}

func (c *conformance) initialise(ctx context.Context, p *process) bool {
	ctx, cancel := context.WithTimeout(ctx, c.host.startTimeout)
	defer cancel()
	ready, err := readyConfig(c.d, c.d.Config, p.declared.GetConfigSchema())
	if err != nil {
		c.bad("init", oneLine(err.Error()), "give a config that fits its schema: --config JSON")
		return false
	}
	_, err = p.plugin.Init(ctx, &pluginv1.InitRequest{Config: ready, Name: c.d.Name})
	if !c.judge("init", err, "it takes its config", "return from Init once calls can be served; give a config it can use: --config JSON") {
		return false
	}
	if !p.declared.GetReconfigures() {
		c.skip("reconfigure", "it takes a config at its start only")
		return true
	}
	_, err = p.plugin.Reconfigure(ctx, &pluginv1.ReconfigureRequest{Config: ready})
	c.judge("reconfigure", err, "it takes the same config again", "serve Reconfigure, or do not declare it")
	return true
}

// serving checks the program while it is in service.
func (c *conformance) serving(ctx context.Context, p *process) {
	const alive = "answer Health while it can serve, also during calls"
	c.judge("health", c.healthy(ctx, p), "it says that it is well", "serve roster.plugin.v1.PluginService/Health")
	functions := pluginv1.NewFunctionServiceClient(p.conn)
	call := func(name string, input []byte) (*pluginv1.CallResponse, error) {
		ctx, cancel := context.WithTimeout(ctx, checkCall)
		defer cancel()
		return functions.Call(ctx, &pluginv1.CallRequest{Capability: name, Input: input})
	}
	_, err := call("roster.check.no-such-function", []byte("{}"))
	if code := status.Code(err); code == codes.Unimplemented || code == codes.NotFound {
		c.ok("unknown function", "it is refused with "+code.String())
	} else {
		c.bad("unknown function", fmt.Sprintf("the answer is %s", code), "answer Unimplemented for a function that the plugin does not have")
	}
	var names []string
	for _, capability := range p.declared.GetCapabilities() {
		if capability.GetKind() != pluginv1.Kind_KIND_SERVICE {
			names = append(names, capability.GetName())
		}
	}
	if names == nil {
		c.skip("functions", "it has none")
	}
	for _, name := range names {
		c.function(ctx, p, name, call)
	}
	c.services(ctx, p)
	c.judge("concurrency", c.crowd(ctx, p, names, call), fmt.Sprintf("%d callers at once", checkCallers), alive)
	c.judge("canceled calls", c.canceled(ctx, p, names), "it is well after calls that nobody waited for", alive)
}

func (c *conformance) healthy(ctx context.Context, p *process) error {
	ctx, cancel := context.WithTimeout(ctx, c.host.policy.healthTimeout)
	defer cancel()
	_, err := p.plugin.Health(ctx, &pluginv1.HealthRequest{})
	return err
}

// function calls a function with input of all kinds.
func (c *conformance) function(ctx context.Context, p *process, name string, call func(string, []byte) (*pluginv1.CallResponse, error)) {
	check := "function " + name
	for _, input := range [][]byte{[]byte("null"), []byte("{}"), []byte("[]"), []byte(`"text"`), []byte("7")} {
		answer, err := call(name, input)
		code := status.Code(err)
		switch {
		case code == codes.Unavailable || code == codes.Unimplemented || code == codes.DeadlineExceeded:
			c.bad(check, fmt.Sprintf("given %s it answers %s: %s", input, code, oneLine(status.Convert(err).Message())),
				"answer InvalidArgument for input that cannot be used, within the deadline")
			return
		case err == nil && !json.Valid(answer.GetOutput()):
			c.bad(check, fmt.Sprintf("given %s its output is not JSON", input), "return one JSON value")
			return
		}
	}
	if _, err := call(name, []byte(`{"a":`)); status.Code(err) != codes.InvalidArgument {
		c.bad(check, "given a text that is not JSON it answers "+status.Code(err).String(), "answer InvalidArgument, with what is wrong")
		return
	}
	large := append(append([]byte(`{"roster_check":"`), bytes.Repeat([]byte("x"), checkLarge)...), `"}`...)
	if _, err := call(name, large); status.Code(err) == codes.ResourceExhausted || status.Code(err) == codes.Unavailable {
		c.bad(check, fmt.Sprintf("given %d bytes it answers %s", len(large), oneLine(status.Convert(err).Message())), "take messages of up to 64 MiB")
		return
	}
	if err := c.healthy(ctx, p); err != nil {
		c.bad(check, "it is not well afterwards: "+oneLine(err.Error()), "let no call end the process")
		return
	}
	c.ok(check, "it answers good and bad input")
}

// services calls a method that no service has, to see that the service is there.
func (c *conformance) services(ctx context.Context, p *process) {
	for _, capability := range p.declared.GetCapabilities() {
		if capability.GetKind() != pluginv1.Kind_KIND_SERVICE {
			continue
		}
		check := "service " + capability.GetService()
		ctx, cancel := context.WithTimeout(ctx, checkCall)
		err := p.conn.Invoke(ctx, "/"+capability.GetService()+"/RosterCheckNoSuchMethod", &pluginv1.HealthRequest{}, &pluginv1.HealthResponse{})
		cancel()
		s := status.Convert(err)
		switch {
		case strings.Contains(s.Message(), "unknown service"):
			c.bad(check, "it is declared and not served", "register the service with the server")
		case s.Code() != codes.Unimplemented:
			c.bad(check, "a method that it does not have is answered with "+s.Code().String(), "answer Unimplemented")
		default:
			c.ok(check, "it is there")
		}
	}
}

// crowd calls from many sides at once, and asks for health meanwhile.
func (c *conformance) crowd(ctx context.Context, p *process, names []string, call func(string, []byte) (*pluginv1.CallResponse, error)) error {
	errs := make([]error, checkCallers)
	var callers sync.WaitGroup
	for i := range checkCallers {
		callers.Go(func() {
			if len(names) > 0 {
				if _, err := call(names[i%len(names)], []byte("{}")); status.Code(err) == codes.Unavailable {
					errs[i] = err
					return
				}
			}
			errs[i] = c.healthy(ctx, p)
		})
	}
	callers.Wait()
	return errors.Join(errs...)
}

// canceled gives calls up at once.
func (c *conformance) canceled(ctx context.Context, p *process, names []string) error {
	functions := pluginv1.NewFunctionServiceClient(p.conn)
	for i := range checkCallers {
		short, cancel := context.WithTimeout(ctx, time.Duration(i)*time.Millisecond/4)
		if len(names) > 0 {
			_, _ = functions.Call(short, &pluginv1.CallRequest{Capability: names[i%len(names)], Input: []byte("{}")}) // nobody waits for it
		}
		cancel()
	}
	return c.healthy(ctx, p)
}

// shutdown ends the program in order.
func (c *conformance) shutdown(ctx context.Context, p *process, l *launcher) {
	const fix = "return from Shutdown, then exit with 0 on SIGTERM and when standard input ends"
	ctx, cancel := context.WithTimeout(ctx, checkCall)
	defer cancel()
	_, err := p.plugin.Shutdown(ctx, &pluginv1.ShutdownRequest{})
	p.disconnect()
	begun := time.Now()
	_ = l.runner.stdin.Close()
	l.runner.signal(terminateSignal)
	ended := l.runner.gone(checkEnd)
	l.runner.kill()
	switch {
	case err != nil && status.Code(err) != codes.Unavailable:
		c.bad("shutdown", "Shutdown failed: "+oneLine(err.Error()), fix)
	case !ended:
		c.bad("shutdown", fmt.Sprintf("it still ran %s after SIGTERM", checkEnd), fix)
	case l.runner.exit != "exit status 0":
		c.bad("shutdown", "it ended with "+l.runner.exit+stderrClause(l.output.last()), fix)
	default:
		c.ok("shutdown", fmt.Sprintf("it ended by itself after %s", time.Since(begun).Round(time.Millisecond)))
	}
}

// orphaned ends the host's side without a word.
func (c *conformance) orphaned(ctx context.Context) {
	const check = "host gone"
	p, l, err := c.start(ctx)
	if err != nil {
		c.bad(check, "it does not start a second time: "+oneLine(err.Error()), "leave nothing behind that keeps the next process from starting")
		return
	}
	p.disconnect()
	_ = l.runner.stdin.Close()
	if l.runner.gone(checkEnd) {
		c.ok(check, "it ends when its standard input does")
	} else {
		c.bad(check, fmt.Sprintf("it still ran %s after its standard input ended", checkEnd),
			"read standard input if $ROSTER_PLUGIN_LIFELINE is stdin, and exit at its end")
	}
	l.runner.kill()
}

// WriteFindings writes findings as lines for people, and reports whether all is well.
func WriteFindings(w io.Writer, findings []Finding) (ok bool, err error) {
	var b bytes.Buffer
	width := 0
	for _, f := range findings {
		width = max(width, len(f.Check))
	}
	for _, f := range findings {
		word := "ok     "
		switch {
		case f.Skipped:
			word = "skipped"
		case !f.OK:
			word = "FAILED "
		}
		fmt.Fprintf(&b, "%s  %-*s  %s\n", word, width, f.Check, f.Detail)
		if !f.OK {
			fmt.Fprintf(&b, "%s  %-*s  to do: %s\n", strings.Repeat(" ", len(word)), width, "", f.Fix)
		}
	}
	_, err = w.Write(b.Bytes())
	return !slices.ContainsFunc(findings, func(f Finding) bool { return !f.OK }), err //nolint:wrapcheck // the writer is the caller's
}
