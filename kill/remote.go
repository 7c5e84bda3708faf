package kill

import "errors"

// A remoteError is an error on the wire. Those that a caller tells apart keep their fields.
type remoteError struct {
	Text    string        `json:"text"`
	Last    *LastError    `json:"last,omitempty"`
	Request *RequestError `json:"request,omitempty"`
}

func toRemote(err error) *remoteError {
	r := &remoteError{Text: err.Error()}
	var (
		last    *LastError
		request *RequestError
	)
	switch {
	case errors.As(err, &last):
		r.Last = last
	case errors.As(err, &request):
		r.Request = request
	}
	return r
}

func (r *remoteError) err() error {
	switch {
	case r.Last != nil:
		return r.Last
	case r.Request != nil:
		return r.Request
	default:
		return errors.New(r.Text)
	}
}

// final reports whether nothing was done.
func (r *remoteError) final() bool { return r.Last != nil || r.Request != nil }
