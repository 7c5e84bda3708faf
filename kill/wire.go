package kill

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Everything between hubs, runtimes and operators is messages: JSON objects, each in a line of at
// most maxLine bytes. Members that a program does not know are skipped.
const (
	// maxTargets is how many targets a set may have before hubs take no new ones.
	maxTargets = 10_000
	// maxBatch bounds the orders of one message, in bytes; it leaves room in the line.
	maxBatch = 48 << 10
	// maxStates is how many runtimes one message may tell of.
	maxStates = 32
	// maxNames is how many names an Impact may have, each of at most MaxName bytes.
	maxNames = 16
	// maxID is the length in bytes of a runtime's id or boot id.
	maxID = 256
)

type message struct {
	Hello *hello `json:"hello,omitempty"`
	// Orders are taken one by one, so that one that only a newer program knows spoils no other.
	Orders  []json.RawMessage `json:"orders,omitempty"`
	Seq     uint64            `json:"seq,omitempty"`     // with Orders and Current: where the hub's journal is after them
	Current *Hash             `json:"current,omitempty"` // there is no more; this is the hash of the hub
	Ack     *ack              `json:"ack,omitempty"`
	Count   *count            `json:"count,omitempty"`
	Bye     bool              `json:"bye,omitempty"`

	Hub      *hubState       `json:"hub,omitempty"`
	Runtimes []RuntimeReport `json:"runtimes,omitempty"`
	More     bool            `json:"more,omitempty"` // with Runtimes: others follow that were known at the same time
	Request  *Request        `json:"request,omitempty"`
	Progress *Progress       `json:"progress,omitempty"`
	Region   *RegionReport   `json:"region,omitempty"`
	Report   *Report         `json:"report,omitempty"`
	Status   *Status         `json:"status,omitempty"`
	Forget   string          `json:"forget,omitempty"`
	Error    *remoteError    `json:"error,omitempty"`
}

// hello opens a stream.
type hello struct {
	ID       string `json:"id,omitempty"`
	Boot     string `json:"boot,omitempty"`
	Region   string `json:"region,omitempty"`
	Hash     Hash   `json:"hash"`
	Durable  bool   `json:"durable,omitempty"`
	Runtimes int    `json:"runtimes,omitempty"` // known to the hub that says hello
}

// ack says that everything up to Seq of this stream is in effect, and on disk if it is durable.
type ack struct {
	Seq     uint64 `json:"seq"`
	Hash    Hash   `json:"hash"`
	Durable bool   `json:"durable,omitempty"`
	// Refused is how many orders the runtime could not read. It is not current then.
	Refused int `json:"refused,omitempty"`
}

// count asks for the Impact of a kill, and answers.
type count struct {
	Query  uint64  `json:"query,omitempty"`
	Target Target  `json:"target"`
	Impact *Impact `json:"impact,omitempty"`
	// Asked and Silent are, in the answer of a hub, its runtimes, and those that did not answer;
	// Last are those that would be left without an implementation.
	Asked  int      `json:"asked,omitempty"`
	Silent int      `json:"silent,omitempty"`
	Last   []string `json:"last,omitempty"`
}

type hubState struct {
	Region  string        `json:"region"`
	Hash    Hash          `json:"hash"`
	Durable bool          `json:"durable"`
	Took    time.Duration `json:"took,omitempty"`
}

var errLong = fmt.Errorf("kill: a message has more than %d bytes", maxLine)

// A lineReader reads lines of at most maxLine bytes. Its buffers are as large as the lines are: a
// hub has one for each runtime.
type lineReader struct {
	from *bufio.Reader
	long []byte // a line that does not fit into the buffer of from
}

func newReader(r io.Reader) *lineReader {
	const usual = 2 << 10
	return &lineReader{from: bufio.NewReaderSize(r, usual)}
}

// next returns the next line, which is valid until the next call.
func (l *lineReader) next() ([]byte, error) {
	line, err := l.from.ReadSlice('\n')
	if err == nil {
		return line, nil
	}
	l.long = append(l.long[:0], line...)
	for errors.Is(err, bufio.ErrBufferFull) {
		line, err = l.from.ReadSlice('\n')
		if l.long = append(l.long, line...); len(l.long) > maxLine {
			return nil, errLong
		}
	}
	if errors.Is(err, io.EOF) && len(l.long) > 0 {
		err = io.ErrUnexpectedEOF
	}
	long := l.long
	if l.long = nil; err != nil {
		return nil, err
	}
	return long, nil
}

// readMessage reads one message.
func readMessage(r *lineReader) (message, error) {
	line, err := r.next()
	if err != nil {
		return message{}, err
	}
	var m message
	if err := json.Unmarshal(line, &m); err != nil {
		return message{}, fmt.Errorf("kill: a message that cannot be read: %w", err)
	}
	return m, nil
}

// line is the message as it is sent.
func (m message) line() []byte { return append(encode(m), '\n') }

// orders are those of the message that can be read, and how many cannot.
func (m message) orders() (orders []Order, refused int) {
	for _, text := range m.Orders {
		var o Order
		if err := json.Unmarshal(text, &o); err != nil || o.Validate() != nil {
			refused++
			continue
		}
		orders = append(orders, o)
	}
	return orders, refused
}

// batches are messages with the orders, in lines that are short enough. There is at least one.
func batches(orders []Order) []message {
	all := []message{{}}
	size := 0
	for _, o := range orders {
		text := encode(o)
		if size += len(text) + 1; size > maxBatch {
			all, size = append(all, message{}), len(text)
		}
		last := &all[len(all)-1]
		last.Orders = append(last.Orders, text)
	}
	return all
}
