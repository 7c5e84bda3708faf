package replication

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/roster-go/roster/replica"
)

// What is sent: one JSON object to a line, both ways at once over one HTTP/2 stream for each
// pair of regions and feed. Each message has one of its fields set.

// Bounds of a message. A source keeps well below them; a destination breaks off beyond.
const (
	maxTxnOps     = 112      // of a transaction, with some of etcd's 128 to spare for the guards of cursor, leader and floor
	maxBatchItems = 96       // aimed at in a message; at most in a transaction, whose other operations and guards are 32 at most
	maxBatchBytes = 1 << 19  // of a transaction's values, etcd takes 1.5 MiB; a single entry may have more
	maxLine       = 16 << 20 // bytes of a message
	maxItems      = 256      // in a message: a source ends its batches with whole revisions, of up to 128 keys
)

// The feeds.
const (
	recordsFeed   = "records"
	instancesFeed = "instances"
)

// A message from the source of a feed to its destination.
type message struct {
	Hello  *hello       `json:"hello,omitempty"`  // the first
	Full   string       `json:"full,omitempty"`   // everything follows, under this epoch
	Items  []item       `json:"items,omitempty"`  // with To
	Repair bool         `json:"repair,omitempty"` // the items are what the destination wanted; To is not set
	To     int64        `json:"to,omitempty"`     // revision of the source: everything up to it has been sent
	Synced *synced      `json:"synced,omitempty"` // everything was sent; with To
	Beat   *beat        `json:"beat,omitempty"`   // with To
	Digest *digest      `json:"digest,omitempty"`
	Keys   []keyHash    `json:"keys,omitempty"` // of the buckets that differ
	Done   *digestClose `json:"done,omitempty"` // after the last of the keys
}

// An item is one key. In the feed of records it has an entry, in that of instances a value, or
// neither if the instance is gone.
type item struct {
	Key     string          `json:"k"`
	Entry   json.RawMessage `json:"e,omitempty"`
	Value   []byte          `json:"v,omitempty"`
	Removed bool            `json:"d,omitempty"`
}

func (i item) size() int { return len(i.Key) + len(i.Entry) + len(i.Value) + 64 }

// A hello introduces a source.
type hello struct {
	From    string          `json:"from"`
	Region  Region          `json:"region"`  // as the table should have it, if it does not know the region
	Cluster string          `json:"cluster"` // of its etcd
	Session string          `json:"session"` // of its agent, new each time one becomes the leader
	Term    int64           `json:"term"`    // of its agents' election: the revision that won
	Head    int64           `json:"head"`    // revision of its etcd
	Known   replica.Context `json:"known,omitempty"`
	Floor   replica.Context `json:"floor,omitempty"` // what it has collected
	// Sessions are the latest of its agents, this one among them: they do not reach back to the
	// cursor's if the etcd was restored from before.
	Sessions []string `json:"sessions,omitempty"`
	// Restored says that the destination's etcd was restored, and may lack deletions of its own.
	Restored bool `json:"restored,omitempty"`
}

type synced struct {
	Epoch string          `json:"epoch"`
	Floor replica.Context `json:"floor,omitempty"`
}

type beat struct {
	Known replica.Context `json:"known,omitempty"`
	Echo  uint64          `json:"echo,omitempty"` // the latest probe that came before the heartbeat was written
}

type digest struct {
	ID      uint64           `json:"id"`
	Buckets []replica.Bucket `json:"buckets"`
}

type keyHash struct {
	Key  string    `json:"k"`
	Hash [2]uint64 `json:"h"`
}

type digestClose struct {
	ID      uint64 `json:"id"`
	Buckets []int  `json:"buckets"`
}

// An answer from the destination of a feed to its source.
type reply struct {
	Welcome *welcome `json:"welcome,omitempty"` // to the hello
	Refusal *Refusal `json:"refusal,omitempty"` // the last
	Ack     int64    `json:"ack,omitempty"`     // everything up to this revision of the source is stored
	Probe   uint64   `json:"probe,omitempty"`   // wants to be echoed
	Differ  *differ  `json:"differ,omitempty"`  // to a digest
	Want    []string `json:"want,omitempty"`    // keys whose entries are to be sent
	Settled *settled `json:"settled,omitempty"` // to the keys of a digest, after what was wanted is stored
}

type welcome struct {
	Region string `json:"region"`
	Cursor cursor `json:"cursor"`
	Full   bool   `json:"full,omitempty"`  // send everything
	Stale  bool   `json:"stale,omitempty"` // what has been sent before may be lost: it was restored
}

type differ struct {
	ID      uint64 `json:"id"`
	Buckets []int  `json:"buckets,omitempty"`
}

type settled struct {
	ID     uint64 `json:"id"`
	Wanted int    `json:"wanted"`
}

// A lines writes messages.
type lines struct {
	buffer  *bufio.Writer
	encoder *json.Encoder
	flush   func() error // after the buffer's own, or nil
}

func newLines(w io.Writer, flush func() error) *lines {
	buffer := bufio.NewWriterSize(w, 64<<10)
	encoder := json.NewEncoder(buffer)
	encoder.SetEscapeHTML(false)
	return &lines{buffer: buffer, encoder: encoder, flush: flush}
}

// send writes one message and sees it off.
func (l *lines) send(v any) error {
	if err := l.encoder.Encode(v); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	if err := l.buffer.Flush(); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	if l.flush != nil {
		return l.flush()
	}
	return nil
}

var errTooLong = errors.New("a message is longer than any may be")

// A lineReader reads messages.
type lineReader struct{ buffer *bufio.Reader }

func newLineReader(r io.Reader) lineReader { return lineReader{bufio.NewReaderSize(r, 64<<10)} }

// next reads one message into v.
func (r lineReader) next(v any) error {
	var long []byte
	for {
		part, err := r.buffer.ReadSlice('\n')
		switch {
		case err == nil && long == nil:
			return unmarshal(part, v)
		case err == nil:
			long = append(long, part...)
			return unmarshal(long, v)
		case !errors.Is(err, bufio.ErrBufferFull):
			if errors.Is(err, io.EOF) && len(part)+len(long) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		long = append(long, part...)
		if len(long) > maxLine {
			return errTooLong
		}
	}
}

// A malformed is the error of a message that is not one.
type malformed struct{ err error }

func (m *malformed) Error() string { return "a message is not one: " + m.err.Error() }

func (m *malformed) Unwrap() error { return m.err }

func unmarshal(line []byte, v any) error {
	if err := json.Unmarshal(line, v); err != nil {
		return &malformed{err}
	}
	return nil
}
