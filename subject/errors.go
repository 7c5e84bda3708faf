package subject

import (
	"errors"
	"fmt"

	"github.com/roster-go/roster"
)

// ErrClosed is the error of a bus that was closed and of a subscription that
// ended.
var ErrClosed = errors.New("closed")

// An InvalidError tells what is wrong with a subject, a pattern, or an option of a
// subscription. It is a [roster.ErrInvalidName] for [errors.Is].
type InvalidError struct {
	Bus   string      // name of the registry of its subscriptions, "" outside a bus
	What  string      // "subject", "pattern", "handler", or the option: "name", "queue group", "buffer", "policy"
	Text  string      // as it was given
	Fault string      // what is wrong with it
	Site  roster.Site // who subscribes; zero for a subject
}

// Error says what is wrong and where.
func (e *InvalidError) Error() string {
	text := fmt.Sprintf("roster: %s %q is not valid: %s", e.What, shortened(e.Text), e.Fault)
	if e.Bus != "" {
		text = fmt.Sprintf("roster: %s: %s %q is not valid: %s", e.Bus, e.What, shortened(e.Text), e.Fault)
	}
	if !e.Site.IsZero() {
		text += fmt.Sprintf("; subscribed at %s", e.Site)
	}
	return text
}

// Is reports whether target is [roster.ErrInvalidName].
func (e *InvalidError) Is(target error) bool { return target == roster.ErrInvalidName }

// shortened is text, which may come from outside, cut to what fits a line.
func shortened(text string) string {
	const limit = 120
	if len(text) <= limit {
		return text
	}
	return text[:limit] + "…"
}

// A DeliveryError tells that a message did not get to the end of a handler.
type DeliveryError struct {
	Bus          string      // name of the registry of its subscriptions
	Subscription string      // name
	Subject      string      // of the message
	Site         roster.Site // who subscribed

	// Err is what the handler returned; a [*roster.PanicError] if it panicked; or,
	// for a message that was not taken, the cause of the publisher's context.
	Err error
}

// Error says which message, which handler, and why.
func (e *DeliveryError) Error() string {
	return fmt.Sprintf("roster: %s: message to %q for %q, subscribed at %s: %v", e.Bus, shortened(e.Subject), e.Subscription, e.Site, e.Err)
}

// Unwrap returns Err.
func (e *DeliveryError) Unwrap() error { return e.Err }

// An EvictedError is the end of a subscription whose queue was full while its
// policy is [Evict].
type EvictedError struct {
	Bus          string      // name of the registry of its subscriptions
	Subscription string      // name
	Site         roster.Site // who subscribed
	Subject      string      // of the message that there was no room for
	Pending      int         // messages in its queue, which it still gets
}

// Error says who was evicted and what to do about it.
func (e *EvictedError) Error() string {
	return fmt.Sprintf("roster: %s: %q, subscribed at %s, was evicted: %d messages were waiting when one to %q came; "+
		"give it a longer Buffer, a faster handler, or another policy", e.Bus, e.Subscription, e.Site, e.Pending, shortened(e.Subject))
}

// Is reports whether target is [ErrClosed].
func (e *EvictedError) Is(target error) bool { return target == ErrClosed }

// A StuckError tells that the time to drain a subscription ran out.
type StuckError struct {
	Bus          string      // name of the registry of its subscriptions
	Subscription string      // name
	Site         roster.Site // who subscribed
	Running      int         // calls of the handler that have not returned
	Dropped      int         // messages that were waiting and will not be handled
	Err          error       // the cause of the context that ended
}

// Error says who is stuck, where it subscribed, and what was lost.
func (e *StuckError) Error() string {
	return fmt.Sprintf("roster: %s: %q, subscribed at %s, was not done in time: %d calls of its handler have not returned, "+
		"%d messages are dropped: %v", e.Bus, e.Subscription, e.Site, e.Running, e.Dropped, e.Err)
}

// Unwrap returns Err.
func (e *StuckError) Unwrap() error { return e.Err }
