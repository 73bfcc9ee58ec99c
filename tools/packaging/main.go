// Command packaging checks files of the folder packaging that no program here can run: manifests
// for Kubernetes against the types of its API, with every unknown field an error, and
// Dockerfiles with the parser and the linter of Docker.
//
//	go -C tools/packaging run . FILE...
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

func main() {
	var errs []error
	for _, path := range os.Args[1:] {
		text, err := os.ReadFile(path)
		if err == nil {
			err = check(filepath.Base(path), text)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", path, err))
		}
	}
	if len(os.Args) == 1 {
		errs = append(errs, errors.New("name the files to check"))
	}
	if err := errors.Join(errs...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("%d files are valid\n", len(os.Args)-1)
}

func check(name string, text []byte) error {
	if name == "Dockerfile" {
		return checkDockerfile(text)
	}
	return checkManifests(text)
}

// checkDockerfile returns what the parser or the linter of Docker finds.
func checkDockerfile(text []byte) error {
	parsed, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return err
	}
	var errs []error
	lint := linter.New(&linter.Config{Warn: func(rule, _, _, message string, at []parser.Range) {
		errs = append(errs, fmt.Errorf("line %d: %s: %s", at[0].Start.Line, rule, message))
	}})
	stages, _, err := instructions.Parse(parsed.AST, lint)
	if err != nil {
		return err
	}
	if last := stages[len(stages)-1]; last.BaseName != "scratch" {
		errs = append(errs, fmt.Errorf("the image is built from %s, want scratch", last.BaseName))
	}
	return errors.Join(errs...)
}

// checkManifests decodes each document into its type, and compares the parts that belong together.
func checkManifests(text []byte) error {
	reader := utilyaml.NewYAMLReader(newReader(text))
	for n := 1; ; n++ {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			if n == 1 {
				return errors.New("there is no document in it")
			}
			return nil
		}
		if err == nil {
			err = checkManifest(document)
		}
		if err != nil {
			return fmt.Errorf("document %d: %w", n, err)
		}
	}
}

func checkManifest(document []byte) error {
	var kind struct{ APIVersion, Kind string }
	if err := yaml.Unmarshal(document, &kind); err != nil {
		return err
	}
	switch of := kind.APIVersion + " " + kind.Kind; of {
	case "v1 Service":
		return yaml.UnmarshalStrict(document, new(corev1.Service))
	case "policy/v1 PodDisruptionBudget":
		return yaml.UnmarshalStrict(document, new(policyv1.PodDisruptionBudget))
	case "apps/v1 StatefulSet":
		var set appsv1.StatefulSet
		return errors.Join(yaml.UnmarshalStrict(document, &set), checkPod(&set.Spec.Template, set.Spec.Selector.MatchLabels))
	case "apps/v1 Deployment":
		var deployment appsv1.Deployment
		return errors.Join(yaml.UnmarshalStrict(document, &deployment), checkPod(&deployment.Spec.Template, deployment.Spec.Selector.MatchLabels))
	default:
		return fmt.Errorf("%s: a kind that this program does not know", of)
	}
}
