package lane

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
)

const (
	kindRequest = iota + 1
	kindResponse
	kindFailure
	kindCancel
)

const (
	lengthSize = 4
	headerSize = 8 + 1 // number and kind
)

var (
	errGarbage  = errors.New("it sent what is no frame")
	errTooLarge = errors.New("the frame is beyond the limit")
)

// A frame is one that was read.
type frame struct {
	number uint64
	kind   byte
	body   []byte // its own memory
}

// appendFrame begins a frame with a body of a size, which the caller appends.
func appendFrame(b []byte, number uint64, kind byte, size int) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(headerSize+size))
	b = binary.LittleEndian.AppendUint64(b, number)
	return append(b, kind)
}

// readFrame reads a frame whose body has at most limit bytes.
func readFrame(r io.Reader, limit int) (frame, error) {
	var head [lengthSize + headerSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return frame{}, err //nolint:wrapcheck // it only says that the connection has ended
	}
	size := int(binary.LittleEndian.Uint32(head[:])) - headerSize
	switch {
	case size < 0:
		return frame{}, errGarbage
	case size > limit+math.MaxUint16: // with metadata
		return frame{}, errTooLarge
	}
	f := frame{number: binary.LittleEndian.Uint64(head[lengthSize:]), kind: head[lengthSize+8]}
	if size == 0 {
		return f, nil
	}
	f.body = make([]byte, size)
	_, err := io.ReadFull(r, f.body)
	return f, err //nolint:wrapcheck // as above
}

// A Request is what a caller asks for.
type Request struct {
	Method   string
	Metadata []string // keys and values in turn
	Message  []byte
}

// size is that of the body of a request.
func (r *Request) size() int {
	n := 4 + 2 + 2 + len(r.Method) + len(r.Message) //nolint:mnd // timeout, number of texts, length of the method
	for _, text := range r.Metadata {
		n += 2 + len(text)
	}
	return n
}

// fits reports whether every text has a length that can be written.
func (r *Request) fits() bool {
	total := len(r.Method)
	for _, text := range r.Metadata {
		total += len(text)
	}
	return total < math.MaxUint16/2 && len(r.Metadata) < math.MaxUint16/8
}

func (r *Request) appendTo(b []byte, timeout uint32) []byte {
	text := func(s string) {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(s)))
		b = append(b, s...)
	}
	b = binary.LittleEndian.AppendUint32(b, timeout)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(r.Metadata)))
	for _, s := range r.Metadata {
		text(s)
	}
	text(r.Method)
	return append(b, r.Message...)
}

// parseRequest reads the body of a request. Its message is a part of the body.
func parseRequest(body []byte) (r Request, timeout uint32, err error) {
	next := func(n int) []byte {
		if n > len(body) {
			err = errGarbage
			return make([]byte, 4) //nolint:mnd // enough for the numbers
		}
		part := body[:n]
		body = body[n:]
		return part
	}
	number := func() int { return int(binary.LittleEndian.Uint16(next(2))) }
	timeout = binary.LittleEndian.Uint32(next(4))
	texts := number()
	for range texts {
		if err != nil {
			return r, 0, err
		}
		n := number()
		r.Metadata = append(r.Metadata, string(next(n)))
	}
	n := number()
	r.Method = string(next(n))
	if err != nil || len(r.Metadata)%2 != 0 {
		return r, 0, errGarbage
	}
	r.Message = body
	return r, timeout, nil
}
