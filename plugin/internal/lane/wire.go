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

// A frameReader reads frames. A read that is interrupted goes on where it was.
type frameReader struct {
	from  io.Reader
	limit int // of a body, but for metadata

	head     [lengthSize + headerSize]byte
	headRead int
	body     []byte
	bodyRead int
}

// next reads a frame.
func (r *frameReader) next() (frame, error) {
	for r.headRead < len(r.head) {
		n, err := r.from.Read(r.head[r.headRead:])
		r.headRead += n
		if err != nil && r.headRead < len(r.head) {
			return frame{}, err //nolint:wrapcheck // it only says that the connection has ended
		}
		if r.headRead == len(r.head) {
			size := int(binary.LittleEndian.Uint32(r.head[:])) - headerSize
			switch {
			case size < 0:
				return frame{}, errGarbage
			case size > r.limit+math.MaxUint16:
				return frame{}, errTooLarge
			}
			r.body, r.bodyRead = make([]byte, size), 0
		}
	}
	for r.bodyRead < len(r.body) {
		n, err := r.from.Read(r.body[r.bodyRead:])
		r.bodyRead += n
		if err != nil && r.bodyRead < len(r.body) {
			return frame{}, err //nolint:wrapcheck // as above
		}
	}
	f := frame{number: binary.LittleEndian.Uint64(r.head[lengthSize:]), kind: r.head[lengthSize+8], body: r.body}
	r.headRead, r.body = 0, nil
	return f, nil
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
