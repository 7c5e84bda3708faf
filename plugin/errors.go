package plugin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// An UnknownCapabilityError reports a capability that nobody serves: neither
// this host nor any host it knows of. Its gRPC code is NotFound.
type UnknownCapabilityError struct {
	Capability string
	Known      []string // capabilities served here or, where the fleet tells, elsewhere; sorted
	Nearest    []string // known ones that Capability may be a slip of, best first
	Asked      []Peer   // this host, then the others whose services are known
}

// Limits of lists in error texts.
const (
	shownCapabilities = 20
	shownHosts        = 8
	shownName         = 64 // bytes of a name that callers made up
)

func (e *UnknownCapabilityError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "plugin: nobody serves %q", shortened(e.Capability, shownName))
	if len(e.Nearest) > 0 {
		b.WriteString(" (did you mean " + quotedList(e.Nearest, " or ") + "?)")
	}
	if len(e.Asked) > 0 {
		hosts := make([]string, len(e.Asked))
		for i, p := range e.Asked {
			hosts[i] = place(p.Region, p.ID)
		}
		b.WriteString("; asked " + cappedList(hosts, shownHosts))
	}
	if len(e.Known) == 0 {
		b.WriteString("; nothing is registered: link a function in, or add a plugin that serves it")
	} else {
		b.WriteString("; registered: " + cappedList(e.Known, shownCapabilities))
	}
	return b.String()
}

// GRPCStatus returns the error as a gRPC status with the code NotFound.
func (e *UnknownCapabilityError) GRPCStatus() *status.Status {
	return rosterStatus(codes.NotFound, e.Error(), reasonUnknown, map[string]string{"capability": e.Capability})
}

// An Attempt is a provider that could not take a call.
type Attempt struct {
	Provider Provider
	Reason   string
}

// An UnavailableError reports a capability whose providers could not take the
// call. It did not start anywhere, so trying again is safe. Its gRPC code is
// Unavailable.
type UnavailableError struct {
	Capability string
	Attempts   []Attempt
	Known      []string // what is registered, if there is nobody left to try; sorted
	Err        error    // why the host stopped trying, if not for lack of providers
}

func (e *UnavailableError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "plugin: %q is not available", e.Capability)
	separator := ": "
	for _, a := range e.Attempts {
		fmt.Fprintf(&b, "%s%s: %s", separator, a.Provider, a.Reason)
		separator = "; "
	}
	if e.Err != nil {
		fmt.Fprintf(&b, "; gave up: %s", e.Err)
	}
	if len(e.Known) > 0 {
		b.WriteString("; registered: " + cappedList(e.Known, shownCapabilities))
	}
	b.WriteString("; the call did not start, try again")
	return b.String()
}

func (e *UnavailableError) Unwrap() error { return e.Err }

// GRPCStatus returns the error as a gRPC status with the code Unavailable, or
// DeadlineExceeded or Canceled if the caller's context ended the wait.
func (e *UnavailableError) GRPCStatus() *status.Status {
	code := codes.Unavailable
	switch {
	case errors.Is(e.Err, context.DeadlineExceeded):
		code = codes.DeadlineExceeded
	case errors.Is(e.Err, context.Canceled):
		code = codes.Canceled
	}
	return rosterStatus(code, e.Error(), reasonUnavailable, map[string]string{"capability": e.Capability})
}

// A CrashedError reports a provider that was lost while it ran the call, which
// may or may not have taken effect. Its gRPC code is Unavailable.
type CrashedError struct {
	Capability string
	Provider   Provider
	// Exit is how the process ended, for example "exit status 2" or "signal:
	// killed"; empty if the connection broke and the process lives, or is
	// another host's.
	Exit string
	// Stderr holds the last lines that the process wrote to its standard error.
	Stderr []string
}

func (e *CrashedError) Error() string {
	what := "the connection to it broke"
	if e.Exit != "" {
		what = "it ended with " + e.Exit
	}
	return fmt.Sprintf("plugin: %s was lost during a call of %q: %s%s; the call may have taken effect, repeat it only if that does no harm",
		e.Provider, e.Capability, what, stderrClause(e.Stderr))
}

// GRPCStatus returns the error as a gRPC status with the code Unavailable.
func (e *CrashedError) GRPCStatus() *status.Status {
	return rosterStatus(codes.Unavailable, e.Error(), reasonCrashed, map[string]string{
		"capability": e.Capability, "kind": string(e.Provider.Kind), "provider": e.Provider.Name,
		"host": e.Provider.Host, "region": e.Provider.Region, "exit": e.Exit,
	})
}

// A FunctionError is a provider's own answer that the call failed: bad input,
// for example. It travels between hosts with its code and details.
type FunctionError struct {
	Capability string
	Provider   Provider
	Code       codes.Code
	Message    string
	status     *status.Status // with details; nil if there are none
}

func (e *FunctionError) Error() string {
	return fmt.Sprintf("plugin: %s: %s: %s", e.Capability, e.Code, e.Message)
}

// GRPCStatus returns the provider's status.
func (e *FunctionError) GRPCStatus() *status.Status {
	if e.status != nil {
		return e.status
	}
	return status.New(e.Code, e.Message)
}

// An InterruptedError reports a call whose context ended before the provider
// answered; the provider has been told. It unwraps to context.DeadlineExceeded
// or context.Canceled, and its gRPC code says the same.
type InterruptedError struct {
	Capability string
	Provider   Provider
	Err        error
}

func (e *InterruptedError) Error() string {
	what := "the caller gave up before it answered"
	if errors.Is(e.Err, context.DeadlineExceeded) {
		what = "no answer within the deadline; allow more time, or see its log for what it waits for"
	}
	return fmt.Sprintf("plugin: %s: %s: %s", e.Capability, e.Provider, what)
}

func (e *InterruptedError) Unwrap() error { return e.Err }

// GRPCStatus returns the error as a gRPC status.
func (e *InterruptedError) GRPCStatus() *status.Status {
	return status.New(status.FromContextError(e.Err).Code(), e.Error())
}

// A KindError reports a capability called the wrong way: a gRPC service as a
// JSON function, or a function as a service. Its gRPC code is
// FailedPrecondition.
type KindError struct {
	Capability string
	Kind       CapabilityKind // what it is
	Service    string         // for a KindService
	Asked      string         // what the caller took it for
}

func (e *KindError) Error() string {
	if e.Kind == KindService {
		return fmt.Sprintf("plugin: %q is the gRPC service %s, not %s; call its methods with a stub of that service", e.Capability, e.Service, e.Asked)
	}
	return fmt.Sprintf("plugin: %q is a JSON function, not %s; call it by its name with a JSON value", e.Capability, e.Asked)
}

// GRPCStatus returns the error as a gRPC status.
func (e *KindError) GRPCStatus() *status.Status {
	return status.New(codes.FailedPrecondition, e.Error())
}

// stderrClause renders the last lines of a process for an error of one line.
func stderrClause(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	const shown = 3
	return fmt.Sprintf("; its last words: %q", shortened(strings.Join(lines[max(0, len(lines)-shown):], " / "), 300))
}

// Reasons of the error details that tell this package's errors from a
// function's own with the same code.
const (
	errorDomain       = "roster"
	reasonUnknown     = "CAPABILITY_UNKNOWN"
	reasonUnavailable = "CAPABILITY_UNAVAILABLE"
	reasonCrashed     = "PROVIDER_LOST"
	reasonKilled      = "KILLED"
)

func rosterStatus(code codes.Code, message, reason string, fields map[string]string) *status.Status {
	plain := status.New(code, message)
	detailed, err := plain.WithDetails(&errdetails.ErrorInfo{Domain: errorDomain, Reason: reason, Metadata: fields})
	if err != nil { // a field is not valid UTF-8
		return plain
	}
	return detailed
}

// errorInfo returns this package's detail of a status, or nil.
func errorInfo(s *status.Status) *errdetails.ErrorInfo {
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == errorDomain {
			return info
		}
	}
	return nil
}

// fromRemote turns the status of another host into the error that host meant.
func fromRemote(s *status.Status, capability string, by Provider) error {
	info := errorInfo(s)
	if info != nil && info.GetReason() == reasonKilled {
		return killedRemotely(info.GetMetadata(), capability)
	}
	if info != nil && info.GetReason() == reasonCrashed {
		fields := info.GetMetadata()
		return &CrashedError{
			Capability: capability,
			Provider:   Provider{Kind: Remote, Name: fields["provider"], Host: cmp.Or(fields["host"], by.Host), Region: cmp.Or(fields["region"], by.Region)},
			Exit:       fields["exit"],
		}
	}
	return functionError(s, capability, by)
}

func functionError(s *status.Status, capability string, by Provider) error {
	return &FunctionError{Capability: capability, Provider: by, Code: s.Code(), Message: s.Message(), status: s}
}

// didNotStart reports whether another host says that it had nobody to take the
// call.
func didNotStart(s *status.Status) bool {
	info := errorInfo(s)
	return info != nil && (info.GetReason() == reasonUnknown || info.GetReason() == reasonUnavailable)
}
