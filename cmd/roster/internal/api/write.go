package api

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// Write answers with JSON.
func Write(w http.ResponseWriter, httpStatus int, answer any) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // the content type says that it is no page
	if err := encoder.Encode(answer); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError) // answers are plain structs and valid JSON
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(httpStatus)
	_, _ = body.WriteTo(w) // a reader that went away needs no answer
}

// WriteError answers with an [Error]. Code and message stand at the top as well, where the Connect
// protocol has them.
func WriteError(w http.ResponseWriter, httpStatus int, detail ErrorDetail) {
	Write(w, httpStatus, struct {
		Code    string      `json:"code"`
		Message string      `json:"message"`
		Error   ErrorDetail `json:"error"`
	}{detail.Code, detail.Message, detail})
}
