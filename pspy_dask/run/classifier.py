"""A trainable classifier of pixels: fitted to a few strokes, applied to images of any size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from pspy_dask.blocks.images import ImageLike, as_image
from pspy_dask.feature_parameters import FeatureParameters
from pspy_dask.io.classifier_files import read_classifier, write_classifier
from pspy_dask.pixels.annotations import Annotations
from pspy_dask.pixels.classes import Classes, check_some, make_classes
from pspy_dask.pixels.evaluation import figure_of
from pspy_dask.pixels.features import feature_stack
from pspy_dask.pixels.fitted import FittedClassifier
from pspy_dask.pixels.models import EstimatorModel, ForestModel, model_of
from pspy_dask.pixels.prediction import class_image, probability_image
from pspy_dask.pixels.stack import FeatureStack
from pspy_dask.run.training_pixels import common_stack, pair_up, training_pixels


@dataclass(frozen=True, eq=False, repr=False)
class PixelClassifier:
    """A classifier fitted to annotated pixels; made by `fit_classifier`, or out of a file.

    Attributes
    ----------
    fitted
        All that it is made of.

    Examples
    --------
    >>> import pspy_dask as ps
    >>> image = np.repeat([[0, 0, 0, 9, 9, 9]], 6, axis=0)
    >>> strokes = np.zeros_like(image)
    >>> strokes[2:4, 0], strokes[2:4, 5] = 1, 2
    >>> classifier = ps.fit_classifier(image, strokes, class_names=["carbon", "metal"])
    >>> classifier.predict(image)[3].values
    array([1, 1, 1, 2, 2, 2], dtype=uint8)
    """

    fitted: FittedClassifier

    def predict(self, image: ImageLike) -> xr.DataArray:
        """Return the class of every pixel.

        It is what scikit-learn finds from the features of the whole image, whatever the chunks:
        an estimator that may look at several rows at once is shown tiles of 128 x 128 pixels.

        Parameters
        ----------
        image
            DataArray, or dask, NumPy or Zarr array, of shape ``([t,] [z,] y, x)``.

        Returns
        -------
        xarray.DataArray
            Lazy numbers of classes on the chunks of the image, one task a chunk; uint8 where they
            fit, 0 where a pixel or one of its features is not finite. Its attributes are
            ``class_numbers``, ``class_names`` and ``colors``.

        Raises
        ------
        ValueError
            The image has another number of axes than those that the classifier was fitted to.
        """
        pixels, stack = self._taken(image)
        return class_image(
            pixels, stack, self._model, self.class_numbers, self.fitted.classes.attrs
        )

    def predict_proba(self, image: ImageLike) -> xr.DataArray:
        """Return the probability of each class at every pixel.

        Parameters
        ----------
        image
            As `predict` takes it.

        Returns
        -------
        xarray.DataArray
            Lazy float32 of shape ``([t,] class, [z,] y, x)``, one task a chunk; NaN where a pixel
            or one of its features is not finite. The coordinate ``class`` holds the names of the
            classes.

        Raises
        ------
        ValueError
            As in `predict`.
        TypeError
            The estimator tells no probabilities.
        """
        pixels, stack = self._taken(image)
        if not self._model.has_probabilities:
            raise TypeError(
                f"{type(self.estimator).__name__} tells no probabilities: call predict, or fit a "
                "classifier that has predict_proba"
            )
        return probability_image(
            pixels, stack, self._model, self.class_names, self.fitted.classes.attrs
        )

    def refine(
        self,
        image: ImageLike | Sequence[ImageLike],
        annotations: Annotations | Sequence[Annotations],
        *,
        class_names: Sequence[str] | None = None,
    ) -> PixelClassifier:
        """Return a classifier fitted to all pixels so far and to more.

        A pixel that was given before, with the same coordinates in its image and the same features,
        takes the later class: each round may give all that was painted. Where there is none of
        these, it is the classifier that `fit_classifier` returns for all pixels at once, as long as
        they are below its limit and need not be balanced. Above it they are drawn anew, by a hash
        of the seed, their coordinates and features.

        Parameters
        ----------
        image, annotations
            As in `fit_classifier`: the same image, or others. Classes may be missing, or new.
        class_names
            Names of all classes, old and new, by number; those before, and the numbers of new
            ones, by default.

        Examples
        --------
        >>> import pspy_dask as ps
        >>> image = np.repeat([[0, 0, 0, 5, 5, 5, 9, 9]], 6, axis=0)
        >>> strokes = np.zeros_like(image)
        >>> strokes[2:4, 0], strokes[2:4, 7] = 1, 2
        >>> edges = FeatureParameters(median=1, minimum=(), maximum=(), membrane=())
        >>> first = ps.fit_classifier(image, strokes, "naive_bayes", features=edges)
        >>> strokes[2:4, 4] = 3
        >>> first.refine(image, strokes).predict(image)[3].values
        array([1, 1, 1, 3, 3, 3, 2, 2], dtype=uint8)
        """
        images, marks = pair_up(image, annotations)
        stack = common_stack(images, self.features)
        self._check_axes(stack)
        before = self.fitted

        def classes_with(numbers: list[int]) -> Classes:
            check_some(numbers)
            both = sorted({*self.class_numbers, *numbers})
            return make_classes(both, class_names, before=before.classes)

        # They are balanced with those before, not by themselves.
        sampling = replace(before.sampling, balanced=False)
        more, classes = training_pixels(
            images, marks, stack, sampling, before.classes.palette, classes_with
        )
        return PixelClassifier(before.refined(more, classes))

    @property
    def features(self) -> FeatureParameters:
        """What the classifier is told of each pixel."""
        return self.fitted.features

    @property
    def estimator(self) -> Any:
        """The fitted estimator of scikit-learn."""
        return self.fitted.estimator

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their numbers."""
        return self.fitted.classes.names

    @property
    def class_numbers(self) -> tuple[int, ...]:
        """Numbers of the classes, as in the annotations."""
        return self.fitted.classes.numbers

    @property
    def colors(self) -> tuple[str, ...]:
        """The colour of each class, ``#rrggbb``."""
        return self.fitted.classes.colors

    @property
    def accuracy(self) -> float:
        """Share of annotated pixels whose class is found by those who did not see them.

        Neighbouring pixels of a stroke are alike, so this flatters: what counts is how other
        strokes and other images fare. It is nan where a class has too few pixels to tell.
        """
        return self.fitted.evaluation.accuracy

    @property
    def accuracy_by(self) -> str:
        """How that was found: ``out of bag``, ``cross-validation, 5 folds``; or why it was not."""
        return self.fitted.evaluation.accuracy_by

    @property
    def confusion(self) -> pd.DataFrame:
        """Annotated pixels of each class (rows) by the class that they were taken for.

        As with `accuracy`, neighbouring pixels of a stroke are alike, and the numbers flatter.
        """
        return pd.DataFrame(
            np.array(self.fitted.evaluation.confusion),
            index=pd.Index(self.class_names, name="annotated"),
            columns=pd.Index(self.class_names, name="predicted"),
        )

    @property
    def importances(self) -> pd.Series:
        """How much each feature tells of the annotated pixels.

        Of a forest by how much purer nodes become; otherwise by how much accuracy drops when the
        feature is permuted among at most 5000 pixels, five times, from the seed of the fit.
        Features that say the same share their importance.
        """
        names = pd.Index(self._stack.names, name="feature")
        return pd.Series(self.fitted.evaluation.importances, index=names, name="importance")

    def plot(self) -> Figure:
        """Return a figure of the confusion matrix and of the importances of the features.

        As with `accuracy`, neighbouring pixels of a stroke are alike, and the figure flatters.
        """
        return figure_of(self.fitted.evaluation, self.class_names, self._stack.names)

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the classifier as one file, which runs no code when it is read.

        It holds the estimator as skops writes it, the annotated pixels and all that is known of
        features and classes; it is complete or absent.

        It warns where the estimator is made of other types than the classifiers known by name:
        the file is whole, and `load` asks for these types in ``trusted``.

        Raises
        ------
        FileExistsError
            There is such a file, and ``overwrite`` is False.
        TypeError
            The estimator is of a kind that skops does not write, or that could not be read again.
        """
        write_classifier(path, self.fitted, overwrite=overwrite)

    @classmethod
    def load(
        cls, path: str | Path, *, refit: bool = False, trusted: Sequence[str] = ()
    ) -> PixelClassifier:
        """Return the classifier of a file; it predicts the same bits.

        Parameters
        ----------
        path
            What `save` wrote.
        refit
            Whether to leave the estimator in the file and fit a new one to the pixels in it, such
            as with another version of scikit-learn. For classifiers known by name.
        trusted
            Types that an estimator may be made of besides those of the classifiers known by name.
            What such hold is not checked, so name them only for files from where you know.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ValueError
            It is no such file, is of another version, was changed, or holds types that are not
            trusted; or it is to be fitted again and its classifier is not known by name.
        """
        return cls(read_classifier(path, refit=refit, trusted=trusted))

    def __repr__(self) -> str:
        """Return what it is in one line."""
        kind = self.fitted.name or type(self.estimator).__name__
        return (
            f"PixelClassifier({kind}: {', '.join(self.class_names)}; {len(self._stack.names)} "
            f"features, {len(self.fitted.training)} pixels, {self.fitted.evaluation})"
        )

    @property
    def _stack(self) -> FeatureStack:
        return self.fitted.stack

    @cached_property
    def _model(self) -> ForestModel | EstimatorModel:
        return model_of(self.estimator)

    def _taken(self, image: ImageLike) -> tuple[xr.DataArray, FeatureStack]:
        pixels = as_image(image)
        stack = feature_stack(pixels, self.features)
        self._check_axes(stack)
        return pixels, stack

    def _check_axes(self, stack: FeatureStack) -> None:
        if stack.axes != self._stack.axes:
            raise ValueError(
                f"the image has {stack.axes} axes of space and {len(stack.names)} features, and "
                f"the classifier was fitted to {self._stack.axes} and {len(self._stack.names)}: "
                "give an image as those it was fitted to, or fit another"
            )
