package plugin

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"
	"google.golang.org/grpc/codes"

	pluginv1 "github.com/roster-go/roster/plugin/gen/roster/plugin/v1"
	"github.com/roster-go/roster/plugin/internal/handshake"
)

// Limits of a module.
const (
	maxModule       = 256 << 20 // bytes of its file
	maxModulePages  = 4096      // of 64 KiB, in each instance
	exitInvalid     = 65        // the status for input that cannot be used: EX_DATAERR of sysexits.h
	moduleConfigEnv = "ROSTER_CONFIG"
)

// A module is a WebAssembly program: a WASI command that is run afresh for each call,
// with the capability as its argument, the input as its standard input, and its config
// in the variable ROSTER_CONFIG. What it writes to standard output is the answer; any
// other status than 0 is the function's error, with the first line of what it wrote to
// standard error, and 65 says that the input cannot be used.
// It has a clock and random numbers, and neither files nor network. A call ends with
// its context, whatever the module does.
type module struct {
	runtime wazero.Runtime
	program wazero.CompiledModule
	config  json.RawMessage
	log     *slog.Logger
	slots   chan struct{} // as many may run at once
}

// load compiles the module of d.
func (h *Host) load(ctx context.Context, d Descriptor, log *slog.Logger) (*process, error) {
	text, err := h.readModule(d)
	if err != nil {
		return nil, err
	}
	config, err := h.configFor(d)
	if err != nil {
		return nil, err
	}
	fault := func(step string, err error) error {
		return &StartError{
			Plugin: d.Name, Source: d.Source, Step: step, Problem: oneLine(err.Error()), Err: err,
			Fix: "a module is a WASI command, such as Go makes of a program with GOOS=wasip1 GOARCH=wasm",
		}
	}
	life := context.WithoutCancel(ctx)
	m := &module{
		runtime: wazero.NewRuntimeWithConfig(life, wazero.NewRuntimeConfig().
			WithCloseOnContextDone(true).WithMemoryLimitPages(maxModulePages).WithCompilationCache(h.modules)),
		config: config, log: log, slots: make(chan struct{}, 2*runtime.GOMAXPROCS(0)),
	}
	if _, err := wasi_snapshot_preview1.Instantiate(life, m.runtime); err != nil {
		m.close()
		return nil, fault("start", err)
	}
	m.program, err = m.runtime.CompileModule(ctx, text)
	if err != nil {
		m.close()
		return nil, fault("start", err)
	}
	if _, command := m.program.ExportedFunctions()["_start"]; !command {
		m.close()
		return nil, fault("start", errors.New("it has no function _start"))
	}
	return &process{
		life: noLife{}, module: m, config: config, foreign: true, cancel: func() {}, declared: &pluginv1.DescribeResponse{},
	}, nil
}

// readModule reads the file of a module and compares the very bytes with the checksum.
func (h *Host) readModule(d Descriptor) ([]byte, error) {
	exe, err := h.openProgram(d)
	if err != nil {
		return nil, err
	}
	defer exe.close()
	text, err := io.ReadAll(io.NewSectionReader(exe.file, 0, maxModule+1))
	switch {
	case err != nil:
		return nil, d.fault("module", osFault("module "+exe.path+" cannot be read", err), "check the file")
	case len(text) > maxModule:
		return nil, d.fault("module", fmt.Sprintf("module %s is larger than %d bytes", exe.path, maxModule), "make it smaller")
	}
	sum := sha256.Sum256(text)
	if have := hex.EncodeToString(sum[:]); d.SHA256 != "" && have != d.SHA256 {
		return nil, &ChecksumError{Plugin: d.Name, Source: d.Source, File: exe.path, Want: d.SHA256, Have: have}
	}
	return text, nil
}

// call runs the module for one call.
func (m *module) call(ctx context.Context, r request, t *target, input []byte) (json.RawMessage, error) {
	interrupted := func() error {
		return &InterruptedError{Capability: r.capability, Provider: t.provider, Err: ctx.Err()}
	}
	select {
	case m.slots <- struct{}{}:
		defer func() { <-m.slots }()
	case <-ctx.Done():
		return nil, interrupted()
	}
	output, complaint := &bounded{limit: handshake.MaxMessage}, &bounded{limit: maxLine}
	instance, err := m.runtime.InstantiateModule(ctx, m.program, wazero.NewModuleConfig().
		WithName("").WithArgs("module", r.capability).WithEnv(moduleConfigEnv, string(m.config)).
		WithStdin(bytes.NewReader(input)).WithStdout(output).WithStderr(complaint).
		WithSysWalltime().WithSysNanotime().WithSysNanosleep().WithRandSource(rand.Reader))
	if instance != nil {
		_ = instance.Close(context.WithoutCancel(ctx))
	}
	words := bytes.TrimSpace(complaint.text)
	failed := func(code codes.Code, message string) error {
		return &FunctionError{Capability: r.capability, Provider: t.provider, Code: code, Message: message}
	}
	exit, exited := errors.AsType[*sys.ExitError](err)
	switch {
	case ctx.Err() != nil:
		return nil, interrupted()
	case output.full:
		return nil, failed(codes.ResourceExhausted, fmt.Sprintf("the output is larger than %d bytes", output.limit))
	case err == nil, exited && exit.ExitCode() == 0:
	case exited && exit.ExitCode() == exitInvalid:
		return nil, failed(codes.InvalidArgument, oneLine(string(words)))
	case exited:
		m.log.Warn("module failed", "capability", r.capability, "exit", exit.ExitCode(), "text", string(words))
		return nil, failed(codes.Unknown, fmt.Sprintf("%s (exit status %d)", oneLine(string(words)), exit.ExitCode()))
	default: // a trap, such as memory beyond the limit
		return nil, failed(codes.Internal, "the module failed: "+oneLine(err.Error()))
	}
	if len(words) > 0 {
		m.log.Info("module wrote to its standard error", "text", string(words), "capability", r.capability)
	}
	answer := json.RawMessage(bytes.TrimSpace(output.text))
	if !json.Valid(answer) {
		return nil, failed(codes.Internal, "the output is not JSON"+jsonFault(answer)+"; correct the module")
	}
	return answer, nil
}

func (m *module) close() { _ = m.runtime.Close(context.Background()) }

// bounded keeps what is written to it up to a limit, and refuses more.
type bounded struct {
	mu    sync.Mutex // guards the fields below
	limit int
	text  []byte
	full  bool
}

var errFull = errors.New("more output than a call may have")

func (b *bounded) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.text)+len(p) > b.limit {
		b.full = true
		return 0, errFull
	}
	b.text = append(b.text, p...)
	return len(p), nil
}
