-- That of the API is made by the image itself.
CREATE DATABASE mlflow;
