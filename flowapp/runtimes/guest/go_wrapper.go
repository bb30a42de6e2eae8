// Calls the cell's function with the arguments of args.json; its result goes to result.json, its error to error.json.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"

	"inner"
)

type failure struct {
	Name    string `json:"name"`
	Message string `json:"message"`
	Line    int    `json:"line,omitempty"`
	Stack   string `json:"stack,omitempty"`
}

var place = regexp.MustCompile(`\bcell\.go:(\d+)`)

func fail(found failure) {
	text, _ := json.Marshal(found)
	_ = os.WriteFile("error.json", text, 0o600)
	os.Exit(0)
}

func read(name string, into any) {
	text, err := os.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		fail(failure{Name: "InternalErr", Message: name + ": " + err.Error()})
	}
}

func panicked(reason any) {
	stack := string(debug.Stack())
	line := 0
	if match := place.FindStringSubmatch(stack); match != nil {
		line, _ = strconv.Atoi(match[1])
	}
	fail(failure{Name: "panic", Message: fmt.Sprint(reason), Line: line, Stack: stack})
}

func arguments(kind reflect.Type, names []string, given map[string]json.RawMessage) []reflect.Value {
	values := make([]reflect.Value, kind.NumIn())
	for i := range values {
		value := reflect.New(kind.In(i))
		if raw, ok := given[names[i]]; ok && string(raw) != "null" {
			if err := json.Unmarshal(raw, value.Interface()); err != nil {
				fail(failure{Name: "ArgumentError", Message: "The input " + names[i] + " does not fit: " + err.Error()})
			}
		}
		values[i] = value.Elem()
	}
	return values
}

func main() {
	var names []string
	var given map[string]json.RawMessage
	read("names.json", &names)
	read("args.json", &given)
	entry := reflect.ValueOf(inner.FlowappEntry())
	var results []reflect.Value
	func() {
		defer func() {
			if reason := recover(); reason != nil {
				panicked(reason)
			}
		}()
		results = entry.Call(arguments(entry.Type(), names, given))
	}()
	var result any
	for i, value := range results {
		if err, ok := value.Interface().(error); ok && i == len(results)-1 {
			name := strings.TrimPrefix(fmt.Sprintf("%T", err), "*")
			if name == "errors.errorString" || strings.HasPrefix(name, "fmt.wrap") {
				name = "Error"
			}
			fail(failure{Name: name, Message: err.Error()})
		}
		if i == 0 && !(value.Kind() == reflect.Interface && value.IsNil()) {
			result = value.Interface()
		}
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(result); err != nil {
		fail(failure{Name: "ExecutionErr", Message: "The result cannot be kept as JSON: " + err.Error()})
	}
	if err := os.WriteFile("result.json", text.Bytes(), 0o600); err != nil {
		fail(failure{Name: "ExecutionErr", Message: err.Error()})
	}
}
