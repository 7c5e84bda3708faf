package plugin

import (
	"cmp"
	"fmt"
	"strconv"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster/kill"
)

// A KilledError reports something that the kill switch keeps from being used (see
// [Options]): a capability, a plugin, one version of it, or an instance. Its gRPC code
// is FailedPrecondition: trying again is of no use before it is revived.
type KilledError struct {
	// Capability is the one that was called; empty if the error is not about a call.
	Capability string
	// Target is what was killed.
	Target kill.Target
	Reason string
	By     string // who ordered it; may be empty
	Epoch  uint64 // of the order
	// Running says that the call was running, so that it may have taken effect. A call
	// that was not running has not started.
	Running bool
}

func killedBy(o kill.Order) *KilledError {
	return &KilledError{Target: o.Target, Reason: o.Reason, By: o.By, Epoch: o.Epoch}
}

// interruptedBy is the error of a call that was running.
func interruptedBy(o kill.Order, capability string) *KilledError {
	return killedBy(o).interrupting(capability)
}

func (e *KilledError) interrupting(capability string) *KilledError {
	about := *e
	about.Capability, about.Running = capability, true
	return &about
}

func (e *KilledError) refusing(capability string) *KilledError {
	about := *e
	about.Capability = capability
	return &about
}

func (e *KilledError) Error() string {
	subject, effect := "", "it is not used until it is revived"
	if e.Capability != "" {
		subject, effect = fmt.Sprintf("%q: ", shortened(e.Capability, shownName)), "the call did not start, and will not until it is revived"
	}
	if e.Running {
		effect = "the call was running and may have taken effect"
	}
	by := ""
	if e.By != "" {
		by = " by " + e.By
	}
	return fmt.Sprintf("plugin: %s%s is killed%s (epoch %d): %s; %s",
		subject, e.Target, by, e.Epoch, cmp.Or(oneLine(e.Reason), "no reason was given"), effect)
}

// GRPCStatus returns the error as a gRPC status with the code FailedPrecondition.
func (e *KilledError) GRPCStatus() *status.Status {
	return rosterStatus(codes.FailedPrecondition, e.Error(), reasonKilled, map[string]string{
		"capability": e.Capability, "target": e.Target.String(), "reason": e.Reason, "by": e.By,
		"epoch": strconv.FormatUint(e.Epoch, 10), "running": strconv.FormatBool(e.Running),
	})
}

// killedRemotely is the error that another host meant.
func killedRemotely(fields map[string]string, capability string) *KilledError {
	target, _ := kill.ParseTarget(fields["target"]) // zero if the other host knows more kinds
	epoch, _ := strconv.ParseUint(fields["epoch"], 10, 64)
	return &KilledError{
		Capability: cmp.Or(fields["capability"], capability), Target: target, Reason: fields["reason"], By: fields["by"],
		Epoch: epoch, Running: fields["running"] == "true",
	}
}

// passedOver reports whether another host says that those who could have taken the call
// there are killed, though not the capability itself: others may serve it.
func passedOver(s *status.Status) bool {
	info := errorInfo(s)
	if info == nil || info.GetReason() != reasonKilled {
		return false
	}
	e := killedRemotely(info.GetMetadata(), "")
	return !e.Running && e.Target.Kind != kill.KindCapability
}

// suspended is the error about a capability whose entry in the registry is suspended.
func suspended(err error, capability string) *KilledError {
	return &KilledError{Capability: capability, Target: kill.Entry("capabilities", capability), Reason: err.Error()}
}
