package access

import (
	"net/http"
	"strconv"
	"strings"
)

// An answerRecorder remembers how a request was answered.
type answerRecorder struct {
	http.ResponseWriter

	keep   bool // the beginning of the body of an error
	status int
	body   strings.Builder
}

// Unwrap is for [http.ResponseController].
func (a *answerRecorder) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Flush is for handlers that ask for an [http.Flusher].
func (a *answerRecorder) Flush() { _ = http.NewResponseController(a.ResponseWriter).Flush() }

// WriteHeader notes the status.
func (a *answerRecorder) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answerRecorder) Write(p []byte) (int, error) {
	if a.keep && a.failed() && a.body.Len() < maxText {
		a.body.Write(p[:min(len(p), maxText)])
	}
	return a.ResponseWriter.Write(p) //nolint:wrapcheck // a writer's error is as it was
}

func (a *answerRecorder) failed() bool { return a.status >= http.StatusBadRequest }

// problem is the message of an answer with an error.
func (a *answerRecorder) problem() string {
	text := "status " + strconv.Itoa(a.status)
	if body := a.body.String(); body != "" {
		text += ": " + errorMessage(body)
	}
	return text
}
