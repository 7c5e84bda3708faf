package subject

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// An Option says how a subscription is to be served.
type Option func(*settings)

type settings struct {
	name, queue string
	queued      bool
	policy      Policy
	limit       int
	buffered    bool
}

// Name gives the subscription a name of its own in the registry, under which it can
// be found and which no other may have. Without it the name is made of the
// pattern, the queue group and a number, as in orders.>#7; so a name of one's own
// does not end with # and a number.
func Name(name string) Option { return func(s *settings) { s.name = name } }

// Queue makes the subscription a member of a queue group: of all members whose
// patterns match a message, one gets it, chosen at random among those that have
// room. The group is known by its name alone, as in NATS, so its members may have
// different patterns. A name has no white space and at most [MaxLen] bytes.
func Queue(name string) Option { return func(s *settings) { s.queue, s.queued = name, true } }

// Buffer puts a queue of n messages, from 1 to [MaxBuffer], between publishers and
// the handler, which then handles one message at a time in a goroutine of its
// own. The policy is for when the queue is full. Memory grows with what waits.
//
// Without it the handler runs in the goroutine that publishes, so that several may
// run at once, and its error is returned to the publisher.
func Buffer(n int, whenFull Policy) Option {
	return func(s *settings) { s.limit, s.policy, s.buffered = n, whenFull, true }
}

func looksMade(name string) bool {
	i := strings.LastIndexByte(name, '#')
	return i >= 0 && i+1 < len(name) && strings.Trim(name[i+1:], "0123456789") == ""
}

// fault says which option is not valid, and why.
func (s *settings) fault() *InvalidError {
	switch {
	case looksMade(s.name):
		return &InvalidError{What: "name", Text: s.name, Fault: "it ends with # and a number, like those that the bus makes"}
	case s.buffered && (s.limit < 1 || s.limit > MaxBuffer):
		return &InvalidError{What: "buffer", Text: strconv.Itoa(s.limit), Fault: fmt.Sprintf("it holds from 1 to %d messages", MaxBuffer)}
	case s.buffered && (s.policy < Block || s.policy > Evict):
		return &InvalidError{What: "policy", Text: strconv.Itoa(int(s.policy)), Fault: "choose Block, DropNewest, DropOldest or Evict"}
	case s.queued && s.queue == "":
		return &InvalidError{What: "queue group", Fault: "it is empty"}
	case len(s.queue) > MaxLen:
		return &InvalidError{What: "queue group", Text: s.queue, Fault: fmt.Sprintf("it has %d bytes, the limit is %d", len(s.queue), MaxLen)}
	case !utf8.ValidString(s.queue) || strings.ContainsFunc(s.queue, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }):
		return &InvalidError{What: "queue group", Text: s.queue, Fault: "it contains white space or what does not print"}
	}
	return nil
}
